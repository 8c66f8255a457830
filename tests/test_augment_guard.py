"""The guard accepts captions that name their keywords and nothing else, and names the rule that others break."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from augment import guard, tables
from augment.guard import RULES, check
from augment.guard_words import stem


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
        ("A dog barks", ["Dog"]),  # three words
        ("Dog " + "in a of the by " * 5 + "on an at to", ["Dog"]),  # 30 words
        ("A dog barks", ["Dog's bark"]),
        ("A dog’s bark", ["Dog's bark"]),
        ("It's a barking dog", ["Dog", "Bark"]),
        ("A merry-go-round plays", ["Merrygoround"]),
        ("A tock and a tick of a clock", ["Tick-tock", "Clock"]),
        ("A hihat plays", ["Hi-hat"]),
        ("A hi-hat plays", ["Hihat"]),
        ("A hi-hat plays", ["Hi hat"]),
        ("The tick tock of a clock", ["Tick-tock", "Clock"]),
        ("A dog barks with a bark", ["Dog", "Bark"]),  # twice is allowed
        ("A dog barks of the dog", ["Dog", "Bark"]),
        ("Gunfire is heard", ["Gunshot; gunfire"]),
        ("Gunfire is heard", ["Gunshot/gunfire"]),
        ("A train whistle", ["Train (steam, diesel)", "Whistle"]),
        ("A dog barks", ["Dog", "", "_"]),
    ],
)
def test_a_caption_that_names_its_keywords_and_nothing_else_is_accepted(caption, keywords):
    assert check(caption, keywords) is None


@pytest.mark.parametrize(
    ("caption", "keywords", "rule"),
    [
        ("", ["Dog"], "length"),
        ("A dog", ["Dog"], "length"),
        ("Dog " + "in a of the by " * 6, ["Dog"], "length"),  # 31 words
        ("Dog, dog", ["Dog"], "length"),
        ("A dog barks. A cat meows.", ["Dog", "Cat"], "sentences"),
        ("A dog barks! Rain.", ["Dog", "Rain"], "sentences"),
        ("A dog a dog barks", ["Dog"], "repetition"),
        ("A dog barks, a dog growls", ["Dog", "Bark", "Growl"], "repetition"),
        ("A dog barks in in the rain", ["Dog", "Bark", "Rain"], "repetition"),
        ("The dog_bark of rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks <b> at rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks #1 at rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks * at rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks = rain {x}", ["Dog", "Rain"], "sentences"),
        ("A dog barks [at] rain", ["Dog", "Rain"], "sentences"),
        ("A dog barks at \\ rain", ["Dog", "Rain"], "sentences"),
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


def test_a_keyword_of_grammar_alone_is_its_own_name():
    assert guard._names("On, _, the") == (("on",), ("the",))
    assert guard._names("_") == ()


def test_keywords_may_come_in_any_order():
    assert check("A dog barks while rain falls", ["Rain", "Dog"]) is check("A dog barks while rain falls", ["Dog", "Rain"]) is None


@pytest.mark.parametrize(
    ("form", "base"),
    [("barking", "bark"), ("feet", "foot"), ("sang", "singing"), ("flies", "fly"), ("children", "child"), ("CHILDREN", "Child")],
)
def test_forms_of_a_word_share_a_stem(form, base):
    assert stem(form) == stem(base)


def test_curly_and_straight_apostrophes_share_a_stem():
    assert stem("dentist’s") == stem("dentist's")


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
