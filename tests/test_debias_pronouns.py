"""Pronouns of gender become "they", "them" and "their", and their verbs plural."""

from __future__ import annotations

import pytest

from augment.debias.caption_editor import CaptionEditor
from augment.debias.pronouns import replace_pronouns
from augment.debias.rewrite import debias
from tests.debias_cases import cases


def replaced(text: str) -> str:
    """Return a text after its pronouns were replaced, and nothing else."""
    editor = CaptionEditor.of(text)
    replace_pronouns(editor)
    return editor.text()


@pytest.mark.parametrize(("before", "after"), cases("pronouns", "several"))
def test_a_caption_becomes_the_hand_written_caption(before, after):
    assert debias(before).text == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("he's been", "they've been"),
        ("he's got", "they've got"),
        ("he's gone", "they've gone"),
        ("he's done", "they've done"),
        ("he's had", "they've had"),
        ("she's jumped", "they've jumped"),
        ("she's called", "they're called"),
        ("she's tired", "they've tired"),
        ("she's here", "they're here"),
        ("he'll speaks", "they'll speaks"),
        ("is he asleep", "are they asleep"),
        ("is, he speaks", "is, they speak"),
        ("dogs he speaks", "dogs they speak"),
        ("he defenestrates", "they defenestrate"),
        ("himself and herself", "themselves and themselves"),
        ("him", "them"),
        ("hers", "theirs"),
        ("she or he speaks", "they or they speak"),
    ],
)
def test_subjects_objects_and_contractions(before, after):
    assert replaced(before) == after


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("he", ["pronoun"]),
        ("he's here", ["pronoun"]),
        ("is he", ["pronoun", "agreement"]),
        ("him", ["pronoun"]),
        ("himself", ["pronoun"]),
        ("his", ["possessive"]),
        ("hers", ["possessive"]),
        ("near her", ["pronoun"]),
        ("her dog", ["possessive"]),
    ],
)
def test_changes_name_their_rule(text, rules):
    editor = CaptionEditor.of(text)
    replace_pronouns(editor)
    assert [change.rule for change in editor.changes] == rules


def test_a_kept_pronoun_or_verb_stays_and_a_new_they_gets_its_verb():
    editor = CaptionEditor.of("he speaks")
    editor.kept[0] = True
    replace_pronouns(editor)
    assert editor.text() == "he speaks"
    editor = CaptionEditor.of("is he asleep")
    editor.kept[0] = True
    replace_pronouns(editor)
    assert editor.text() == "is they asleep"
    editor = CaptionEditor.of("he speaks and they speaks")
    editor.replace(0, 1, "they", "phrase")
    replace_pronouns(editor)
    assert editor.text() == "they speak and they speaks"
    editor = CaptionEditor.of("those defenestrates")
    editor.replace(0, 1, "those", "phrase")
    replace_pronouns(editor)
    assert editor.text() == "those defenestrates"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("his dog", "their dog"),
        ("it is his", "it is theirs"),
        ("his, that is", "theirs, that is"),
        ("his is", "theirs is"),
        ("a friend of his laughs", "a friend of theirs laughs"),
        ("a friend near his laughs", "a friend near their laughs"),
        ("a friend of his laugh", "a friend of their laugh"),
        ("his near miss", "their near miss"),
        ("his inside job", "their inside job"),
        ("his outside dog", "their outside dog"),
        ("his over reaction", "their over reaction"),
        ("his under dog", "theirs under dog"),
    ],
)
def test_his_stands_before_a_noun_or_alone(before, after):
    assert replaced(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("her dog", "their dog"),
        ("near her", "near them"),
        ("near her, dogs", "near them, dogs"),
        ("near her and dogs", "near them and dogs"),
        ("near her another dog", "near them another dog"),
        ("near her two dogs", "near their two dogs"),
        ("near her many dogs", "near their many dogs"),
        ("near her 2", "near them 2"),
        ("near her 2dogs", "near them 2dogs"),
        ("near her loudly", "near them loudly"),
        ("near her loudly speak", "near their loudly speak"),
        ("we see her speak", "we see them speak"),
        ("we saw her juggling", "we saw them juggling"),
        ("we hate her juggling", "we hate their juggling"),
        ("we see her speak is good", "we see their speak is good"),
        ("we see her juggling was good", "we see their juggling was good"),
        ("we see her juggling of balls", "we see their juggling of balls"),
        ("we see her juggling are good", "we see their juggling are good"),
        ("we see her singing loudly", "we see them singing loudly"),
    ],
)
def test_her_is_an_object_or_a_possessive(before, after):
    assert replaced(before) == after


@pytest.mark.parametrize(
    "verb",
    [
        *("see", "sees", "seeing", "heard", "hears", "watches", "watched", "makes", "lets", "helps", "records", "films", "filming"),
        *("startles", "scares", "scared", "saw", "made", "seen"),
    ],
)
def test_after_a_verb_of_perception_her_is_an_object(verb):
    assert replaced(f"it {verb} her speak") == f"it {verb} them speak"


@pytest.mark.parametrize("word", ["lovely", "early", "friendly", "lonely", "elderly", "daily", "family", "ugly", "silly", "holy", "belly"])
def test_an_adjective_in_ly_follows_a_possessive(word):
    assert replaced(f"near her {word}") == f"near their {word}"
