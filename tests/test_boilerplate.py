"""Sentences about other things than the sound are found by the words that their patterns name."""

from __future__ import annotations

import re

import pytest

from augment.boilerplate import AT_END, is_about_other_things
from augment.tables import rows

ANYWHERE = [row for row in rows("boilerplate") if not row[0].startswith("^")]
SENTENCES = [
    "A door, free to use.",
    "Rain; please credit me",
    "Is this a dog?",
    "Birds of the Sound-Set sound sets",
    "It was recorded, and the noise was removed",
    "I re-uploaded a bell",
    "A bell, copyrighted",
    "A loop that belongs to a series",
    "Midi notes of a piano",
    "Licenced under CC-BY",
    "Multi-sample sets of a piano",
    "A remix of rain",
    "Reuploads of my dog",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_that_a_pattern_matches_is_found_by_its_words(sentence: str) -> None:
    matching = [row for row in ANYWHERE if re.search(row[0], sentence.lower())]
    assert matching, "this sentence shows nothing"
    for row in matching:
        tokens = {*re.findall(r"\w+", sentence.lower()), *(AT_END if sentence.endswith(AT_END) else "")}
        assert not tokens.isdisjoint(row[1].split()), row
    assert is_about_other_things(sentence)


def test_every_pattern_that_may_be_anywhere_has_words_of_its_own() -> None:
    for row in ANYWHERE:
        for word in row[1].split():
            assert word == AT_END or word == word.lower()
            assert word == AT_END or re.fullmatch(r"\w+", word), row


@pytest.mark.parametrize("sentence", ["A dog barks.", "Rain on a roof", "Footsteps, then a door slams", "", "♪"])
def test_a_sentence_about_a_sound_is_kept(sentence: str) -> None:
    assert not is_about_other_things(sentence)
