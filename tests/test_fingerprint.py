from __future__ import annotations

import numpy as np
import pytest

from pipeline.records import SAMPLE_RATE
from transforms.audio.fingerprint import BOX_HOPS, CHUNK_HOPS, FILTER, HOP, HOPS_PER_SECOND, TAPS, Fingerprinter, fingerprint, peaks_of

CHANCE = np.random.default_rng(7)
NOISE = CHANCE.integers(-9000, 9000, 3 * SAMPLE_RATE).astype(np.int16)
TIMES = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
SILENT = {
    "no frame": np.zeros(0),
    "silence": np.zeros(SAMPLE_RATE),
    "the quietest noise": CHANCE.integers(0, 2, SAMPLE_RATE),
    "a constant level": np.full(2 * SAMPLE_RATE, 12_345),
    "full scale": np.full(SAMPLE_RATE, -32_768),
    "a tone": 20_000 * np.sin(2 * np.pi * 1000 * TIMES),
    "a tone between bins": 32_000 * np.sin(2 * np.pi * 1234.567 * TIMES),
    "a chord": 9000 * np.sin(2 * np.pi * 440 * TIMES) + 9000 * np.sin(2 * np.pi * 2217.46 * TIMES),
    "one click": np.where(np.arange(SAMPLE_RATE) == 20_000, 32_767, 0),
    "one frame": np.array([32_767]),
}


def in_blocks(frames: np.ndarray, sizes: list[int]) -> bytes:
    maker, at = Fingerprinter(), 0
    while at < len(frames):
        for size in sizes:
            block = frames[at : at + size].copy()
            maker.add(block)
            block[:] = 1  # decoders write the next block into the same memory
            at += size
    return maker.made()


@pytest.mark.parametrize("what", SILENT)
def test_sounds_without_change_have_no_fingerprint_but_where_they_begin_and_end(what: str) -> None:
    times, _ = peaks_of(fingerprint(np.rint(SILENT[what]).astype(np.int16)))
    last = len(SILENT[what]) // HOP
    assert [time for time in times if BOX_HOPS < time < last - BOX_HOPS] == []
    assert len(times) < 5


@pytest.mark.parametrize("sizes", [[1 << 20], [4096], [1, 799, 800, 801], [65_537, 3]])
def test_blocks_make_no_difference(sizes: list[int]) -> None:
    long = np.tile(NOISE, 8)[: (CHUNK_HOPS + 200) * HOP + 17]
    assert in_blocks(long, sizes) == fingerprint(long)


@pytest.mark.parametrize("n_more", [-HOP, -1, 0, 1, HOP])
def test_the_end_of_a_chunk_makes_no_difference(n_more: int) -> None:
    frames = np.tile(NOISE, 8)[: CHUNK_HOPS * HOP + n_more]
    before, behind = (peaks_of(fingerprint(frames[first:])) for first in (0, 10 * HOP))
    inside = (before[0] > 10 + BOX_HOPS, behind[0] > BOX_HOPS)
    assert (before[0][inside[0]] - 10).tolist() == behind[0][inside[1]].tolist()
    assert before[1][inside[0]].tolist() == behind[1][inside[1]].tolist()


def test_the_fingerprint_may_be_asked_for_before_the_end() -> None:
    maker = Fingerprinter()
    maker.add(NOISE[: 2 * SAMPLE_RATE])
    assert maker.made() == maker.made() == fingerprint(NOISE[: 2 * SAMPLE_RATE])
    maker.add(NOISE[2 * SAMPLE_RATE :])
    assert maker.made() == fingerprint(NOISE)


def test_a_shift_by_whole_seconds_moves_every_peak() -> None:
    times, bins = peaks_of(fingerprint(NOISE))
    later_times, later_bins = peaks_of(fingerprint(np.concatenate([np.zeros(2 * SAMPLE_RATE, np.int16), NOISE])))
    assert later_times.tolist() == (times + 2 * HOPS_PER_SECOND).tolist()
    assert later_bins.tolist() == bins.tolist()


def test_a_second_of_noise_takes_a_few_hundred_bytes() -> None:
    assert 60 < len(fingerprint(NOISE)) / 2 / 3 < 130


def test_a_peak_after_minutes_of_silence_has_its_time() -> None:
    quiet = np.zeros(40 * SAMPLE_RATE, np.int16)
    times, bins = peaks_of(fingerprint(np.concatenate([quiet, NOISE])))
    assert times[0] >= 40 * HOPS_PER_SECOND - 1
    assert bins.tolist() == peaks_of(fingerprint(NOISE))[1].tolist()


def test_the_filter_adds_whole_numbers_that_float32_holds_exactly() -> None:
    assert np.abs(TAPS).sum() * 32_768 < 1 << 24
    assert (np.rint(TAPS) == TAPS).all() and (FILTER.sum(axis=0) == TAPS.sum()).all()


def test_damaged_fingerprints_are_read_without_an_error() -> None:
    for data in (b"\0", b"\xff" * 7, bytes(range(256))):
        times, bins = peaks_of(data)
        assert len(times) == len(bins) <= len(data) // 2
