"""A sound is found in an index of few sounds when it is a copy of one of them, and as similar_pairs would pair them."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.audio.fingerprint import fingerprint
from transforms.audio.similar_index import SoundIndex
from transforms.audio.similar_pairs import similar_pairs

RATE = 48_000


def notes(seed: int, seconds: float = 6.0) -> np.ndarray:
    """Return short tones of random pitch and time, some twelve a second: int16 `(n_frames,)`."""
    rng = np.random.default_rng(seed)
    frames = np.zeros(round((seconds + 0.3) * RATE))
    at = np.arange(round(0.3 * RATE)) / RATE
    for begin in np.sort(rng.uniform(0, seconds, round(12 * seconds))):
        first = round(begin * RATE)
        frames[first : first + len(at)] += np.sin(2 * np.pi * rng.uniform(250, 4500) * at) * np.exp(-20 * at)
    return np.rint(6000 * frames[: round(seconds * RATE)]).clip(-32_768, 32_767).astype(np.int16)


SOUNDS = [notes(seed) for seed in range(6)]
PRINTS = [fingerprint(sound) for sound in SOUNDS]
COPIES = {
    "itself": SOUNDS[2],
    "12 dB softer": np.rint(SOUNDS[2] * 0.25).astype(np.int16),
    "0.7 s later": np.concatenate([np.zeros(round(0.7 * RATE), np.int16), SOUNDS[2]]),
    "without its first second": SOUNDS[2][RATE:],
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_found_with_its_shift(name: str) -> None:
    ((number, match),) = SoundIndex(PRINTS).copies_of(fingerprint(COPIES[name]))
    assert number == 2 and match.offset == pytest.approx({"0.7 s later": -0.7, "without its first second": 1.0}.get(name, 0.0), abs=0.05)


def test_other_sounds_and_silence_are_no_copies() -> None:
    index = SoundIndex(PRINTS)
    assert not [*index.copies_of(fingerprint(notes(99)))] and not [*index.copies_of(b"")]
    assert not [*SoundIndex([]).copies_of(PRINTS[0])] and not [*SoundIndex([b"", b""]).copies_of(PRINTS[0])]


def test_the_index_finds_what_the_pairs_of_all_sounds_are() -> None:
    others = [fingerprint(sound) for sound in (*COPIES.values(), notes(50), notes(51), SOUNDS[5][: 3 * RATE])]
    pairs = {(pair.a, pair.b - len(PRINTS)) for pair in similar_pairs([*PRINTS, *others]) if pair.a < len(PRINTS) <= pair.b}
    index = SoundIndex(PRINTS)
    assert {(sound, number) for number, made in enumerate(others) for sound, _ in index.copies_of(made)} == pairs


def test_a_part_of_the_hashes_is_enough() -> None:
    index = SoundIndex(PRINTS, max_hashes=2000)
    assert [number for number, _ in index.copies_of(fingerprint(COPIES["12 dB softer"]))] == [2]
