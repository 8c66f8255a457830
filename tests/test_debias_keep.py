"""Words of gender stay in names, titles, set phrases, quotations, other languages, and of animals and plugs."""

from __future__ import annotations

import pytest

from augment.debias.caption_editor import CaptionEditor
from augment.debias.keep import _unbroken, is_english, keep
from augment.debias.rewrite import debias
from tests.debias_cases import cases


def kept(text: str) -> list[str]:
    """Return the words of a text that must not change."""
    editor = CaptionEditor.of(text)
    keep(editor)
    return [word for word, stays in zip(editor.words, editor.kept, strict=True) if stays]


@pytest.mark.parametrize(("before", "after"), cases("left alone", "several"))
def test_a_caption_becomes_the_hand_written_caption(before, after):
    assert debias(before).text == after


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("a man speaks", True),
        ("man", True),
        ("", True),
        ("der hund und das kind", False),
        ("der hund in the", True),
        ("der hund und in the", True),
        ("der hund und das in the", False),
    ],
)
def test_a_text_is_english_unless_it_has_more_words_of_other_languages(text, english):
    assert is_english(text.split()) == english


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the isle of man today", ["isle", "of", "man"]),
        ("the isle-of-man today", []),
        ("the isle of, man today", []),
        ("man page of a man page man", ["man", "page", "man", "page"]),
        ("a man", []),
        ("the mother's day", ["mother's", "day"]),
    ],
)
def test_set_phrases_stay_where_no_mark_divides_them(text, words):
    assert kept(text) == words


@pytest.mark.parametrize(
    "word", ["male", "female", "males", "females", "mother", "father", "mothers", "fathers", "mom", "mama", "papa", "boy", "girl", "lady"]
)
def test_the_sex_of_an_animal_stays(word):
    assert kept(f"a {word} frog") == [word]
    assert kept(f"a {word}, frog") == [] and kept(f"a {word} robot") == []


def test_other_nouns_before_an_animal_change():
    assert kept("a man frog") == []


@pytest.mark.parametrize("word", ["son", "sons", "dude", "gal"])
def test_words_of_other_languages_and_exclamations_need_a_determiner(word):
    assert kept(f"wow {word}") == [word] and kept(word) == [word]
    for before in ("a", "the", "my", "two", "young", "and", "or", "with"):
        assert kept(f"{before} {word}") == []
    assert kept(f"a, {word}") == [word]


@pytest.mark.parametrize(("text", "words"), [("to man the guns", ["man"]), ("to man a gun", []), ("so man the guns", [])])
def test_the_verb_to_man_stays(text, words):
    assert kept(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the sound of Man today", ["Man"]),
        ("Man speaks today", []),
        ("Lady speaks today", []),
        ("Lady Xenia speaks today", ["Lady", "Xenia"]),
        ("Lady, Xenia speaks today", ["Xenia"]),
        ("Man Xenia speaks today", ["Xenia"]),
        ("today A speaks loudly", []),
        ("loud. Man speaks today", []),
        ("loud - Man speaks today", []),
        ("loud: Man speaks today", []),
        ("loud (Man speaks) today", []),
        ("loud | Man speaks today", []),
        ("loud! Man speaks today", []),
        ("loud? Man speaks today", []),
        ("loud; Man speaks today", []),
        ("loud, Man speaks today", ["Man"]),
        ("The Loud Mans Speak today here now", ["Loud", "Mans", "Speak"]),
        ("The Loud Mans Speak Today here now", []),
        ("The Loud Mans Speak Today", []),
        ("The Loud Mans speak today again", ["Loud", "Mans"]),
        ("The Loud Mans Speak today", []),
        ("The Loud Mans Speak today then", ["Loud", "Mans", "Speak"]),
        ("A Man in an Old Inn", []),
    ],
)
def test_capitals_inside_a_sentence_are_names_unless_most_words_have_them(text, words):
    assert kept(text) == words


@pytest.mark.parametrize("word", ["Lady", "Mother", "Father", "Brother", "Sister", "Papa", "Mama", "Granny", "Dame"])
def test_a_title_before_a_name_stays(word):
    assert kept(f"{word} Xenia speaks loudly today") == [word, "Xenia"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('she says "he is here" twice', ["he", "is", "here"]),
        ("she says “he” twice", ["he"]),
        ("she says „he“ twice", ["he"]),
        ("she says «he» twice", ["he"]),
        ('she says "he twice', []),
        ('"he is here"', []),
        (' "he is here". ', []),
        ('"he is here" x', ["he", "is", "here"]),
        ('"he" and "she" sing', ["he", "she"]),
    ],
)
def test_quoted_words_stay_unless_the_complete_text_is_quoted(text, words):
    assert kept(text) == words


@pytest.mark.parametrize(
    ("text", "start", "length", "is_unbroken"),
    [
        ("one two-three", 0, 3, True),
        ("one, two three", 0, 3, False),
        ("one two. three", 0, 3, False),
        ("one, two three, four", 1, 2, True),
        ("one, two", 1, 1, True),
    ],
)
def test_a_phrase_has_no_punctuation_between_its_words(text, start, length, is_unbroken):
    assert _unbroken(CaptionEditor.of(text), start, length) is is_unbroken
