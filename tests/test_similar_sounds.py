from __future__ import annotations

import itertools

import numpy as np
import pytest

from pipeline.records import SAMPLE_RATE
from tests.altered import ALTERED, later, louder, part
from transforms.audio.fingerprint import fingerprint
from transforms.audio.similar_sounds import Match, aligned, compare, hashes, measured

CHANCE = np.random.default_rng(3)


def rumble(seconds: float, seed: int, beats: float = 3.0) -> np.ndarray:
    """Return noise that falls with frequency, with strokes: int16 mono 48 kHz."""
    chance = np.random.default_rng(seed)
    n = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(chance.normal(size=n)) / np.maximum(np.arange(n // 2 + 1), 200 * seconds) ** 0.7
    values = np.fft.irfft(spectrum, n)
    at = np.arange(n) / SAMPLE_RATE
    values *= 0.2 + np.exp(-6 * (at * beats * (1 + 0.1 * np.sin(at)) % 1))
    return np.rint(8000 * values / np.abs(values).max()).astype(np.int16)


def beeps(hz: float, every: float, level: float = 0.5) -> np.ndarray:
    at = np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE
    return np.rint(32_767 * level * np.sin(2 * np.pi * hz * at) * (at % every < 0.1)).astype(np.int16)


SOUND, OTHER = rumble(5, 1), rumble(5, 2)
MADE = fingerprint(SOUND)
NO_COPIES = {
    "silence": np.zeros(SAMPLE_RATE, np.int16),
    "a tone": np.rint(9000 * np.sin(np.arange(2 * SAMPLE_RATE) / 9)).astype(np.int16),
    "a softer tone": np.rint(900 * np.sin(np.arange(2 * SAMPLE_RATE) / 9)).astype(np.int16),
    "white noise": CHANCE.integers(-9000, 9000, 5 * SAMPLE_RATE).astype(np.int16),
    "other white noise": CHANCE.integers(-9000, 9000, 5 * SAMPLE_RATE).astype(np.int16),
    "a click": np.where(np.arange(SAMPLE_RATE) == 5000, 30_000, 0).astype(np.int16),
    "clicks": np.where(np.arange(3 * SAMPLE_RATE) % 24_000 == 5000, 30_000, 0).astype(np.int16),
    "noisy clicks": (rumble(4, 8) * (np.arange(4 * SAMPLE_RATE) % 24_000 < 500)).astype(np.int16),
    "other noisy clicks": (rumble(4, 9) * (np.arange(4 * SAMPLE_RATE) % 24_000 < 500)).astype(np.int16),
    "beeps": beeps(1000, 0.5),
    "other beeps": beeps(1500, 0.5),
    "faster beeps": beeps(1000, 0.3),
    "beeps as loud as can be": beeps(1000, 0.5, 40.0),
    "a tenth of a second": rumble(0.1, 4),
    "another tenth of a second": rumble(0.1, 5),
    "strokes": SOUND,
    "other strokes": OTHER,
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_copy_is_found_whatever_was_done_to_it(what: str) -> None:
    match = compare(MADE, fingerprint(ALTERED[what](SOUND)))
    assert match is not None, what
    assert match.share > 0.3 and match.seconds > 2


def test_no_two_sounds_that_are_no_copies_are_similar() -> None:
    made = {name: fingerprint(frames) for name, frames in NO_COPIES.items()}
    found = [(a, b) for a, b in itertools.combinations(made, 2) if compare(made[a], made[b]) is not None]
    assert found == []


@pytest.mark.parametrize("shift", [-1.5, 0.0, 0.25, 2.0])
def test_the_offset_says_where_the_second_sound_begins(shift: float) -> None:
    moved = later(SOUND, -shift) if shift <= 0 else SOUND[round(shift * SAMPLE_RATE) :]
    match = compare(MADE, fingerprint(moved))
    assert match is not None and match.offset == pytest.approx(shift, abs=0.02)
    assert match.turned().offset == pytest.approx(-shift, abs=0.02)


def test_a_part_of_a_long_sound_is_found_in_it() -> None:
    long = np.concatenate([rumble(9, seed) for seed in (11, 12, 13)])
    match = compare(fingerprint(long), fingerprint(louder(part(long, 0.5, 0.62), -9)))
    assert match is not None and match.offset == pytest.approx(13.5, abs=0.02) and match.share > 0.5


def test_a_sound_agrees_with_itself_in_every_peak() -> None:
    match = compare(MADE, MADE)
    assert match is not None and (match.offset, match.share) == (0.0, 1.0)
    assert match.n_peaks == len(MADE) // 2 and match.n_hashes == len(np.unique(hashes(MADE)[0]))


def test_comparing_does_not_depend_on_the_order() -> None:
    copy = fingerprint(ALTERED["mp3 of it from 0.69 s, -6 dB"](SOUND))
    one, other = compare(MADE, copy), compare(copy, MADE)
    assert one is not None and other is not None
    assert (one.offset, one.n_hashes) == (-other.offset, other.n_hashes)


@pytest.mark.parametrize("made", [b"", b"\0", b"\0\5", b"\0\5\0\7", b"\xff" * 64, bytes(200), bytes(range(256)) * 3])
def test_whatever_bytes_are_compared_without_an_error(made: bytes) -> None:
    assert len(hashes(made)[0]) == len(hashes(made)[1])
    assert compare(made, MADE) is None and compare(MADE, made) is None
    assert aligned(made, MADE, -(1 << 30)) is None
    compare(made, made)


def test_sounds_that_do_not_overlap_agree_in_nothing() -> None:
    assert measured(MADE, MADE, 100_000) is None
    assert isinstance(measured(MADE, MADE, 7), Match)
