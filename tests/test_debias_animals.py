"""Words of gender stay in captions about animals alone, and change where a person is named, too."""

from __future__ import annotations

import pytest

from augment.debias.rewrite import debias
from tests.debias_cases import cases


@pytest.mark.parametrize(("before", "after"), cases("animals"))
def test_a_caption_becomes_the_hand_written_caption(before, after):
    assert debias(before).text == after


@pytest.mark.parametrize("person", ["child", "someone", "woman", "farmer", "crowd"])
def test_with_a_person_in_it_pronouns_change(person):
    assert "his" not in debias(f"A dog barks at his bowl while a {person} laughs").text


@pytest.mark.parametrize("animal", ["frog", "bull", "lion", "hen", "owl"])
def test_an_animal_keeps_its_pronouns(animal):
    assert not debias(f"The {animal} calls while he moves his head").changes
