"""The statistics are those of the frames, whatever the sizes of the blocks."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.records import SAMPLE_RATE, Statistics
from transforms.audio.fingerprint import fingerprint
from transforms.audio.meter import Meter

NOISE = np.random.default_rng(1).integers(-32768, 32768, 30_000).astype(np.int16)


def measure(frames: np.ndarray, n_clipped: int = 0, block: int = 1 << 20, n_nonfinite: int = 0) -> Statistics:
    meter = Meter()
    for at in range(0, len(frames), block):
        meter.add(frames[at : at + block], n_clipped if at == 0 else 0)
    return meter.statistics(n_nonfinite)


def reference(frames: np.ndarray, n_clipped: int, n_nonfinite: int) -> Statistics:
    """Compute the statistics of all frames at once, with numpy."""
    values = frames.astype(np.float64) / 32768
    return Statistics(
        n_frames=len(frames),
        duration=len(frames) / SAMPLE_RATE,
        peak=np.abs(values).max(),
        rms=round(float(np.sqrt((values**2).mean())), 9),
        dc=round(float(values.mean()), 9),
        clipped_fraction=n_clipped / len(frames),
        silent_fraction=float((np.abs(values) <= 1 / 32768).mean()),
        pcm_sha256=hashlib.sha256(frames.astype("<i2").tobytes()).hexdigest(),
        n_nonfinite=n_nonfinite,
        fingerprint=fingerprint(frames),
    )


def assert_equal(measured: Statistics, expected: Statistics) -> None:
    assert measured.rms == pytest.approx(expected.rms, abs=2e-9)  # the last digit depends on the order of the sum
    assert measured.dc == pytest.approx(expected.dc, abs=2e-9)
    assert measured == replace(expected, rms=measured.rms, dc=measured.dc)


@given(arrays(np.int16, st.integers(1, 200)), st.integers(0, 50), st.integers(0, 9), st.integers(1, 300))
def test_statistics_equal_those_that_numpy_computes_at_once(frames, n_clipped, n_nonfinite, block):
    assert_equal(measure(frames, n_clipped, block, n_nonfinite), reference(frames, n_clipped, n_nonfinite))


@pytest.mark.parametrize("n_frames", [4095, 4096, 4097, 8192, 30_000])
def test_rows_of_frames_and_the_rest_are_all_measured(n_frames):
    assert_equal(measure(NOISE[:n_frames]), reference(NOISE[:n_frames], 0, 0))


def test_blocks_make_no_difference():
    assert measure(NOISE, 7, block=1000) == measure(NOISE, 7) == measure(NOISE, 7, block=4096)


def test_small_values_give_exact_statistics():
    measured = measure(np.array([0, 1, -1, 16384, -32768], np.int16), n_clipped=2)
    assert measured.n_frames == 5
    assert measured.duration == 5 / SAMPLE_RATE
    assert measured.peak == 1.0
    assert measured.dc == -0.1
    assert measured.clipped_fraction == 0.4
    assert measured.silent_fraction == 0.6
    assert measured.n_nonfinite == 0


@pytest.mark.parametrize(("value", "silent"), [(0, 1.0), (1, 1.0), (-1, 1.0), (2, 0.0), (-2, 0.0), (32767, 0.0), (-32768, 0.0)])
def test_a_frame_is_silent_up_to_one_step_from_zero(value, silent):
    assert measure(np.full(100, value, np.int16)).silent_fraction == silent


@pytest.mark.parametrize("value", [100, -100])
def test_the_peak_has_no_sign(value):
    assert measure(np.array([0, value], np.int16)).peak == 100 / 32768


def test_the_loudest_possible_hour_is_measured_exactly():
    meter, block = Meter(), np.full(1 << 20, -32768, np.int16)
    for _ in range(165):
        meter.add(block, 0)
    statistics = meter.statistics(0)
    assert (statistics.rms, statistics.dc, statistics.peak) == (1.0, -1.0, 1.0)


def test_clipped_frames_are_added_up_over_blocks():
    meter = Meter()
    meter.add(NOISE[:10], 1)
    meter.add(NOISE[:0], 0)
    meter.add(NOISE[:10], 2)
    assert (meter.n_frames, meter.n_clipped) == (20, 3)
