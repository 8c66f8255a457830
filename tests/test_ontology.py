"""Names of AudioSet's ontology are found in the spellings of AudioSet and FSD50K, and stand for what is above them."""

from __future__ import annotations

import pytest

from augment.ontology import above, class_key, classes_by_prompt_name, most_specific, prompt_name
from augment.tables import rows


@pytest.mark.parametrize(
    ("keywords", "left"),
    [
        (["Animal", "Dog", "Bark"], ["Bark"]),
        (["Music", "Musical_instrument", "Guitar"], ["Guitar"]),
        (["Chirp_and_tweet", "Bird_vocalization_and_bird_call_and_bird_song"], ["Chirp_and_tweet"]),
        (["Ambulance (siren)", "Siren", "Emergency vehicle", "Vehicle"], ["Ambulance (siren)"]),
        (["Dog", "Cat"], ["Dog", "Cat"]),
        (["my label", "another"], ["my label", "another"]),
        ([], []),
    ],
)
def test_a_class_above_another_keyword_is_left_out(keywords, left):
    assert most_specific(keywords) == left


def test_no_class_is_above_itself():
    assert not [name for name, *_ in rows("class_parents") if class_key(name) in above(name)]


def test_a_prompt_name_finds_a_class_of_that_name():
    classes = classes_by_prompt_name()
    assert classes["gunshot"] == "Gunshot, gunfire" and classes["whimper"] == "Whimper"
    assert all(prompt_name(name) == short for short, name in classes.items())
