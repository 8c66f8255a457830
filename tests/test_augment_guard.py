"""The guard: which captions may stand, and which rule the others break."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from augment import tables
from augment.guard import RULES, check, stem


@pytest.mark.parametrize(
    ("caption", "keywords"),
    [
        ("A dog barks while rain falls.", ["Dog", "Bark", "Rain"]),
        ("Dogs barking in the distance", ["Dog", "Bark"]),
        ("A person speaks while gunfire is heard", ["Male speech, man speaking", "Gunshot, gunfire"]),
        ("A man is speaking", ["Male speech, man speaking"]),
        ("A door bell rings", ["Doorbell"]),
        ("A doorbell rings", ["Doorbell"]),
        ("A hi hat is playing", ["Hi-hat"]),
        ("The tick-tock of a clock", ["Tick-tock", "Clock"]),
        ("Music of Africa is playing", ["Music of Africa"]),
        ("Birds sing near a stream", ["Bird vocalization, bird call, bird song", "Stream"]),
        ("Mice squeak softly", ["Mouse", "Squeak"]),
        ("A car engine starts and revs", ["Car", "Engine starting", "Accelerating, revving, vroom"]),
        ("Open or close a cupboard", ["Cupboard open or close"]),
        ("The sound of a wasp", ["Bee, wasp, etc."]),
        ("Water is running in the bathtub", ["Bathtub (filling or washing)"]),
    ],
)
def test_caption_that_says_what_its_keywords_say_may_stand(caption, keywords):
    assert check(caption, keywords) is None


@pytest.mark.parametrize(
    ("caption", "keywords", "rule"),
    [
        ("", ["Dog"], "length"),
        ("A dog", ["Dog"], "length"),
        ("dog " + "and the " * 20, ["Dog"], "length"),
        ("A dog barks. A cat meows.", ["Dog", "Cat"], "sentences"),
        ("A dog barks! Rain.", ["Dog", "Rain"], "sentences"),
        ("A dog a dog barks", ["Dog"], "repetition"),
        ("A dog | barks at rain", ["Dog", "Rain"], "sentences"),
        ("A cupboard is close", ["Cupboard open or close"], "uncovered"),
        ("A dog dog barks", ["Dog"], "repetition"),
        ("A dog barks and barking barks go on", ["Dog"], "repetition"),
        ("A dog and a cat and a dog", ["Dog", "Cat"], "repetition"),
        ("A dog barks loudly", ["Dog", "Siren"], "uncovered"),
        ("A dog barks and a train passes", ["Dog", "Train whistle"], "uncovered"),
        ("There it is again", ["Dog"], "uncovered"),
        ("A teddy bear in the midst of a storm", ["Thunderstorm"], "unsupported"),
        ("A dog barks at a teddy bear", ["Dog"], "unsupported"),
        ("A man is speaking", ["Speech"], "unsupported"),
        ("A red and blue drum", ["Drum"], "unsupported"),
        ("The sound of rain", [], "unsupported"),
        ("The sound of rain", ["", "_"], "unsupported"),
    ],
)
def test_caption_is_rejected_by_the_first_rule_it_breaks(caption, keywords, rule):
    assert check(caption, keywords) == rule
    assert rule in RULES


def test_order_of_keywords_does_not_matter():
    assert check("A dog barks while rain falls", ["Rain", "Dog"]) is check("A dog barks while rain falls", ["Dog", "Rain"]) is None


@pytest.mark.parametrize(
    ("one", "other"), [("bark", "barking"), ("feet", "foot"), ("sang", "singing"), ("flies", "fly"), ("children", "child")]
)
def test_forms_of_a_word_share_a_stem(one, other):
    assert stem(one) == stem(other)


@pytest.mark.parametrize("table", ["guard_synonyms", "guard_supports", "irregular_forms"])
def test_tables_have_two_columns_and_each_word_once(table):
    assert all(len(row) == 2 and row[1] for row in tables.rows(table))
    assert len(tables.words(table)) == len(tables.rows(table))


def test_fillers_name_no_source_of_sound():
    assert tables.words("guard_fillers").isdisjoint(tables.words("guard_supports") - {"record"})


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
