"""The guard accepts captions that name their keywords and nothing else, and names the rule that others break."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from augment import tables
from augment.guard import RULES, cannot_be_mended, check
from augment.guard_words import names_of, stem

SENTENCES = [line.split("\t") for line in (Path(__file__).parent / "guard_sentences.tsv").read_text().splitlines() if line[0] != "#"]


@pytest.mark.parametrize(("verdict", "caption", "keywords"), SENTENCES)
def test_sentences_written_by_hand_are_judged_as_their_author_does(verdict, caption, keywords):
    assert (check(caption, keywords.split("; ")) or "good") == verdict


def test_the_sentences_cover_every_rule():
    assert len(SENTENCES) >= 200 and {verdict for verdict, *_ in SENTENCES} == {"good", *RULES}


@pytest.mark.parametrize(
    ("caption", "keywords"),
    [
        ("A hi hat is heard", ["Hi-hat"]),
        ("A hihat is heard", ["Hi-hat"]),
        ("A hi-hat is heard", ["Hihat"]),
        ("A hi-hat is heard", ["Hi hat"]),
        ("The tick tock of a clock", ["Tick-tock", "Clock"]),
        ("A person speaks while gunfire is heard", ["Speech", "Gunshot, gunfire"]),
        ("Gunfire is heard", ["Gunshot; gunfire"]),
        ("Gunfire is heard", ["Gunshot/gunfire"]),
        ("The sound of a wasp", ["Bee, wasp, etc."]),
        ("A dog’s bark", ["Dog's bark"]),
        ("Mice squeak and a cat purrs", ["Mouse", "Squeak", "Purr"]),
        ("A train whistle", ["Train (steam, diesel)", "Whistle"]),
        ("A dog is barking", ["Bark", "", "_"]),
    ],
)
def test_spelling_and_form_of_a_keyword_do_not_matter(caption, keywords):
    assert check(caption, keywords) is None


@pytest.mark.parametrize(
    ("caption", "keywords", "rule"),
    [
        ("", ["Dog"], "length"),
        ("A dog " + "and a siren and the rain " * 6, ["Dog"], "length"),  # 38 words
        ("The dog_bark of rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks #1 at rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks * at rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks = rain {x}", ["Dog", "Rain"], "sentences"),
        ("A dog barks [at] rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks \\ at rain", ["Dog", "Rain"], "sentences"),
        ("There it is again", ["Dog"], "uncovered"),
        ("The sound of rain", [], "unsupported"),
        ("The sound of rain", ["", "_"], "unsupported"),
    ],
)
def test_caption_is_rejected_by_the_first_rule_it_breaks(caption, keywords, rule):
    assert check(caption, keywords) == rule


def test_500_keywords_are_uncovered():
    assert check("A dog barks.", [f"Sound {number}" for number in range(500)]) == "uncovered"


def test_a_keyword_of_grammar_alone_is_its_own_name():
    assert names_of("On, _, the") == (("on",), ("the",))
    assert names_of("_") == ()


def test_keywords_may_come_in_any_order():
    assert check("A dog barks while rain falls", ["Rain", "Bark"]) is check("A dog barks while rain falls", ["Bark", "Rain"]) is None


@pytest.mark.parametrize(
    ("form", "base"),
    [("barking", "bark"), ("feet", "foot"), ("sang", "singing"), ("flies", "fly"), ("children", "child"), ("CHILDREN", "Child")],
)
def test_forms_of_a_word_share_a_stem(form, base):
    assert stem(form) == stem(base)


def test_curly_and_straight_apostrophes_share_a_stem():
    assert stem("dentist’s") == stem("dentist's")


def test_a_beginning_that_no_end_mends_is_found_before_its_end():
    assert cannot_be_mended("A siren barks and", ["Siren", "Bark"])
    assert cannot_be_mended("A siren is a", ["Siren", "Bark"])
    assert cannot_be_mended("A siren siren", ["Siren", "Bark"])
    assert not cannot_be_mended("A siren is", ["Siren", "Bark"])
    assert not cannot_be_mended("", ["Siren"])


@pytest.mark.parametrize(
    "table", ["guard_synonyms", "guard_supports", "guard_makers", "guard_objects", "guard_places", "guard_senses", "irregular_forms"]
)
def test_tables_have_two_columns_and_each_word_once(table):
    assert all(len(row) == 2 and row[1] for row in tables.rows(table))
    assert len(tables.words(table)) == len(tables.rows(table))


def test_fillers_name_no_source_of_sound():
    assert tables.words("guard_fillers").isdisjoint(tables.words("guard_supports"))


def test_threads_may_stem_at_the_same_time():
    made_up = [
        f"{start}{middle}{end}"
        for start in ("bark", "whistl", "rattl")
        for middle in map(str, range(400))
        for end in ("ing", "ed", "ations")
    ]
    stem.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(stem, made_up, chunksize=1))
    stem.cache_clear()
    assert together == [stem(word) for word in made_up]
