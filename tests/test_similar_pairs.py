from __future__ import annotations

import numpy as np
import pytest

from pipeline.records import SAMPLE_RATE
from tests.altered import later, louder
from tests.test_similar_sounds import rumble
from transforms.audio import similar_pairs as module
from transforms.audio.fingerprint import fingerprint
from transforms.audio.similar_pairs import similar_pairs

SOUNDS = [rumble(3, seed) for seed in range(6)]
MADE = [fingerprint(frames) for frames in SOUNDS]
COPIES = [fingerprint(later(louder(SOUNDS[2], -6), 0.31)), fingerprint(SOUNDS[4][SAMPLE_RATE:])]


def numbers(made: list[bytes], **options: int) -> list[tuple[int, int]]:
    return [(pair.a, pair.b) for pair in similar_pairs(made, **options)]


def test_copies_are_found_among_other_sounds_and_nothing_else() -> None:
    assert numbers([*MADE, *COPIES]) == [(2, 6), (4, 7)]
    assert numbers(MADE) == numbers([]) == numbers([b"", b"", b"\0\1"]) == []


def test_a_share_of_the_hashes_and_small_parts_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(similar_pairs([*MADE, *COPIES]))
    monkeypatch.setattr(module, "PART", 500)
    assert list(similar_pairs([*MADE, *COPIES])) == found
    assert numbers([*MADE, *COPIES], max_hashes=3000) == [(2, 6), (4, 7)]


def test_the_pairs_say_how_the_second_sound_is_shifted() -> None:
    shifts = [pair.match.offset for pair in similar_pairs([*MADE, *COPIES])]
    assert shifts == pytest.approx([-0.31, 1.0], abs=0.02)


def test_each_of_very_many_copies_is_in_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEIGHBOURS", 2)
    pairs = numbers([MADE[0]] * 7 + MADE[1:])
    assert {number for pair in pairs for number in pair} == set(range(7))


def test_parts_give_back_the_records_that_they_were_given(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART", 7)
    parts = module._Parts(tmp_path, "x", np.dtype("<u4"), 3)
    for first in range(0, 40, 5):
        values = np.arange(first, first + 5, dtype="<u4")
        parts.add(values, values)
    assert [part.tolist() for part in parts.parts()] == [list(range(first, 40, 3)) for first in range(3)]
    assert list(tmp_path.iterdir()) == []
