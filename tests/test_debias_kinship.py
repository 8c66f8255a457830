"""Parents that are called like a name get an article; those with one, and names, stay as they are."""

from __future__ import annotations

import pytest

from augment.debias.caption_editor import CaptionEditor
from augment.debias.kinship import introduce_kin
from augment.debias.rewrite import debias
from tests.debias_cases import cases


@pytest.mark.parametrize(("before", "after"), cases("parents as names"))
def test_a_caption_becomes_the_hand_written_caption(before, after):
    assert debias(before).text == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Dad snores", "A dad snores"),
        ("rain, then Grandpa coughs", "rain, then a grandpa coughs"),
        ("A dad snores", "A dad snores"),
        ("their mother laughs", "their mother laughs"),
        ("mother talking", "mother talking"),
        ("mum's voice", "mum's voice"),
    ],
)
def test_only_a_parent_that_acts_or_is_acted_on_gets_an_article(before, after):
    editor = CaptionEditor.of(before)
    introduce_kin(editor)
    assert editor.text() == after
