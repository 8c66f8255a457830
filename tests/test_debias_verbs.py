"""Verbs agree with subjects that became plural."""

from __future__ import annotations

import pytest

from augment.debias.caption_editor import CaptionEditor
from augment.debias.verbs import agree, determiners, function_words, is_adverb, plural_form, singular_verbs, third_person
from augment.tables import words


def agreed(text: str, start: int = 1, known: bool = False) -> str:
    """Return a text after the verb at `start` and those joined to it were put into the plural."""
    editor = CaptionEditor.of(text)
    agree(editor, start, known)
    assert all(change.rule == "agreement" for change in editor.changes)
    return editor.text()


@pytest.mark.parametrize(
    ("singular", "plural"),
    [
        ("speaks", "speak"),
        ("sneezes", "sneeze"),
        ("uses", "use"),
        ("cries", "cry"),
        ("tries", "try"),
        ("dies", "die"),
        ("lies", "lie"),
        ("passes", "pass"),
        ("washes", "wash"),
        ("watches", "watch"),
        ("mixes", "mix"),
        ("buzzes", "buzz"),
        ("goes", "go"),
        ("aches", "ache"),
        ("plays", "play"),
        ("is", "are"),
        ("was", "were"),
        ("has", "have"),
        ("does", "do"),
        ("isn't", "aren't"),
        ("wasn't", "weren't"),
        ("hasn't", "haven't"),
        ("doesn't", "don't"),
        ("isnt", "aren't"),
        ("wasnt", "weren't"),
        ("doesnt", "don't"),
    ],
)
def test_plural_of_a_verb(singular, plural):
    assert plural_form(singular) == plural


@pytest.mark.parametrize(
    ("verb", "singular"),
    [
        ("speak", "speaks"),
        ("pass", "passes"),
        ("wash", "washes"),
        ("watch", "watches"),
        ("mix", "mixes"),
        ("buzz", "buzzes"),
        ("go", "goes"),
        ("cry", "cries"),
        ("play", "plays"),
        ("buy", "buys"),
        ("use", "uses"),
    ],
)
def test_third_person_of_a_verb(verb, singular):
    assert third_person(verb) == singular


def test_every_verb_of_the_table_comes_back_from_its_third_person():
    assert {verb: plural_form(third_person(verb)) for verb in words("verbs")} == {verb: verb for verb in words("verbs")}
    auxiliaries = {"is", "was", "has", "does", "isn't", "wasn't", "hasn't", "doesn't", "isnt", "wasnt", "doesnt"}
    assert auxiliaries | {"speaks"} <= singular_verbs() and "speak" not in singular_verbs()


def test_words_of_grammar_are_determiners_or_can_follow_an_object():
    assert {"in", "and", "he", "is", "very"} <= function_words()
    assert {"a", "two", "several", "this", "her"} <= determiners()
    assert determiners() & function_words() <= {"her", "that", "his", "no"}


@pytest.mark.parametrize(
    "word", ["also", "then", "just", "still", "now", "never", "always", "often", "again", "soon", "sometimes", "only", "slowly"]
)
def test_an_adverb_may_stand_before_the_verb(word):
    assert is_adverb(word)
    assert agreed(f"they {word} speaks") == f"they {word} speak"


@pytest.mark.parametrize("word", ["fly", "dog", "", "speaks"])
def test_other_words_are_no_adverbs(word):
    assert not is_adverb(word)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("they speaks", "they speak"),
        ("they speaks and laughs", "they speak and laugh"),
        ("they sings, hums and whistles", "they sing, hum and whistle"),
        ("they speaks or laughs", "they speak or laugh"),
        ("they speaks but laughs", "they speak but laugh"),
        ("they speaks, then laughs", "they speak, then laugh"),
        ("they speaks and then loudly laughs", "they speak and then loudly laugh"),
        ("they opens a door and leaves", "they open a door and leave"),
        ("they spoke and laughs", "they spoke and laugh"),
        ("they talks and whistles blow", "they talk and whistles blow"),
        ("they talks and whistles are heard", "they talk and whistles are heard"),
        ("they talks and dogs barks and howls", "they talk and dogs barks and howls"),
        ("they, speaks", "they, speaks"),
        ("they speaks and", "they speak and"),
        ("they", "they"),
        ("they also", "they also"),
    ],
)
def test_verbs_of_one_subject_agree(before, after):
    assert agreed(before) == after


@pytest.mark.parametrize(
    "word",
    [
        *("as", "while", "when", "before", "after", "followed", "who", "that", "which", "because", "if", "until", "though"),
        *("where", "with", "to"),
    ],
)
def test_verbs_behind_a_subordinate_clause_stay(word):
    assert agreed(f"they speaks {word} it growls and barks") == f"they speak {word} it growls and barks"


@pytest.mark.parametrize("mark", [". ", "; ", ": ", "! ", "? ", " (", ") "])
def test_verbs_behind_a_mark_that_ends_the_clause_stay(mark):
    assert agreed(f"they speaks{mark}it growls and barks") == f"they speak{mark}it growls and barks"


@pytest.mark.parametrize(
    "word", ["thus", "yes", "upstairs", "downstairs", "outdoors", "indoors", "this", "its", "his", "perhaps", "us", "towards"]
)
def test_a_word_in_s_that_is_no_verb_stays(word):
    assert agreed(f"they {word}") == f"they {word}"


def test_an_unknown_verb_agrees_only_where_a_verb_must_follow():
    assert agreed("they defenestrates", known=False) == "they defenestrate"
    assert agreed("they defenestrates", known=True) == "they defenestrates"
    assert agreed("they speaks and defenestrates") == "they speak and defenestrates"
    assert agreed("they hiss and laughs") == "they hiss and laugh"
    assert agreed("they xyz's") == "they xyz's"


@pytest.mark.parametrize("word", ["in", "and", "of", "about"])
def test_without_a_verb_behind_the_subject_nothing_changes(word):
    assert agreed(f"they {word} laughs and barks") == f"they {word} laughs and barks"
