"""Captions are split into words and gaps, edited, and joined again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.debias.caption_editor import CaptionEditor, Change, in_case_of, plain


@given(st.text())
def test_every_text_is_the_same_after_splitting_and_joining(text):
    assert CaptionEditor.of(text).text() == text


@given(st.text())
def test_columns_have_one_entry_a_word_and_one_gap_more(text):
    editor = CaptionEditor.of(text)
    n = len(editor.words)
    assert [len(column) for column in (editor.gaps, editor.lower, editor.kept, editor.touched)] == [n + 1, n, n, n]
    assert not any(editor.kept) and not any(editor.touched)


def test_words_hold_hyphens_and_apostrophes_and_numbers_stand_alone():
    editor = CaptionEditor.of("(The man's hi-hat, 12th_B’s)")
    assert editor.words == ["The", "man's", "hi-hat", "12", "th", "B’s"]
    assert editor.lower == ["the", "man's", "hi-hat", "12", "th", "b's"]
    assert editor.gaps == ["(", " ", " ", ", ", "", "_", ")"]


def test_looking_outside_the_caption_gives_an_empty_word():
    editor = CaptionEditor.of("A Dog barks")
    assert [editor.at(index) for index in (-1, 0, 1, 2, 3)] == ["", "a", "dog", "barks", ""]


def test_a_word_follows_another_only_across_a_single_blank():
    editor = CaptionEditor.of(" a b, c  d-e")
    assert [editor.follows(index) for index in range(-1, 5)] == [False, False, True, False, False, False]


def test_a_replacement_takes_the_case_of_the_first_word_and_is_recorded():
    editor = CaptionEditor.of("Policemen and women, shout")
    editor.replace(0, 3, "police officers", "pair")
    assert editor.text() == "Police officers, shout"
    assert editor.changes == [Change("pair", "Policemen and women", "Police officers")]
    assert (editor.lower, editor.gaps) == (["police officers", "shout"], ["", ", ", ""])
    assert (editor.kept, editor.touched) == ([True, False], [True, False])


def test_a_removed_word_gives_its_capital_to_the_next_word_at_the_beginning_alone():
    editor = CaptionEditor.of("Male voice, a Male voice")
    editor.drop(3, "adjective")
    editor.drop(0, "adjective")
    assert editor.text() == "Voice, a voice"
    assert editor.changes == [Change("adjective", "Male voice", "voice"), Change("adjective", "Male voice", "voice")]
    assert editor.touched == [True, False, True] and editor.lower == ["voice", "a", "voice"]
    small = CaptionEditor.of("male Voice x")
    small.drop(0, "adjective")
    assert small.text() == "Voice x" and small.kept == [False, False]


def test_a_removed_word_leaves_the_gap_before_it():
    editor = CaptionEditor.of("Rain, male  voice.")
    editor.drop(1, "adjective")
    assert editor.text() == "Rain, voice."


def test_an_inserted_word_is_kept_and_has_a_blank_after_it():
    editor = CaptionEditor.of("Two men, baby")
    editor.insert(2, "a")
    assert editor.text() == "Two men, a baby"
    assert editor.lower == ["two", "men", "a", "baby"]
    assert (editor.kept, editor.touched) == ([False, False, True, False], [False] * 4)


def test_span_holds_the_gaps_between_its_words():
    editor = CaptionEditor.of("a, b - c d")
    assert (editor.span(0, 3), editor.span(1, 2), editor.span(2, 4)) == ("a, b - c", "b", "c d")


@pytest.mark.parametrize(
    ("model", "word", "cased"),
    [
        ("woman", "person", "person"),
        ("Woman", "person", "Person"),
        ("WOMAN", "two people", "TWO PEOPLE"),
        ("A", "two people", "Two people"),
        ("a", "an", "an"),
        ("HE'S", "they're", "THEY'RE"),
        ("Man", "SOS caller", "SOS caller"),
    ],
)
def test_a_word_is_capitalised_like_its_model(model, word, cased):
    assert in_case_of(model, word) == cased


def test_plain_text_has_small_letters_and_straight_apostrophes():
    assert plain("Women’S") == "women's"
