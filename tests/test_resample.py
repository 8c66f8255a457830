"""48 kHz without audible loss, and 16 bits with saturation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.records import SAMPLE_RATE
from transforms.audio.resample import Resampler, to_int16

RATES = [1_000, 8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000, 768_000]


def sine(hz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def resample(frames: np.ndarray, rate: int, block: int = 10**9) -> np.ndarray:
    resampler = Resampler(rate)
    blocks = [resampler.add(frames[at : at + block]) for at in range(0, len(frames), block)]
    return np.concatenate([*blocks, resampler.finish()])


@given(st.sampled_from(RATES), st.integers(0, 5_000), st.integers(1, 6_000))
def test_the_number_of_frames_is_that_of_the_duration(rate, n_frames, block):
    n_expected = n_frames * SAMPLE_RATE / rate
    assert abs(len(resample(np.zeros(n_frames, np.float32), rate, block)) - n_expected) <= 1


@pytest.mark.parametrize("rate", RATES)
def test_one_second_stays_one_second_at_every_rate(rate):
    assert len(resample(sine(100, rate), rate)) == SAMPLE_RATE


@pytest.mark.parametrize("hz", [100, 1_000, 10_000, 19_000, 20_000])
def test_a_tone_has_130_db_of_signal_to_noise_up_to_20_khz(hz):
    out = resample(sine(hz, 44_100), 44_100)[2000:-2000].astype(np.float64)
    turns = 2 * np.pi * hz * np.arange(2000, 2000 + len(out)) / SAMPLE_RATE
    waves = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    sine_part, cosine_part = np.linalg.lstsq(waves, out)[0]
    tone = waves @ [sine_part, cosine_part]
    assert sine_part == pytest.approx(0.5, rel=0.001)
    assert abs(cosine_part) < 1e-6  # no delay
    assert 10 * np.log10((tone**2).mean() / ((out - tone) ** 2).mean()) >= 130


def test_a_tone_above_the_new_band_leaves_no_alias():
    out = resample(sine(30_000, 96_000), 96_000)[2000:-2000]
    assert 20 * np.log10(np.abs(out).max() / 0.5) < -110


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_48_khz_is_returned_unchanged(kind):
    frames, resampler = sine(440, SAMPLE_RATE).astype(kind), Resampler(SAMPLE_RATE)
    assert resampler.add(frames) is frames
    assert len(resampler.finish()) == 0


def test_16_bit_frames_are_resampled_as_the_same_numbers():
    frames = (sine(100, 44_100) * 20_000).astype(np.int16)
    assert np.array_equal(resample(frames, 44_100), resample(frames.astype(np.float32), 44_100))
    assert resample(frames, 44_100).dtype == np.float32


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("block", [1, 1000, 65_536])
def test_blocks_give_the_same_frames_as_all_at_once(rate, block):
    noise = np.random.default_rng(3).uniform(-1, 1, 5_000 if block == 1 else 200_000).astype(np.float32)
    assert np.array_equal(resample(noise, rate, block), resample(noise, rate))


def test_rounding_is_to_the_nearest_step():
    frames, n_clipped = to_int16(np.array([0.4, 0.6, -0.4, -0.6], np.float32))
    assert (frames.tolist(), n_clipped) == ([0, 1, 0, -1], 0)


@given(arrays(np.float32, st.integers(0, 40), elements=st.floats(-70_000, 70_000, width=32)))
def test_frames_beyond_full_scale_saturate_and_are_counted(frames):
    rounded, n_clipped = to_int16(frames)
    assert rounded.dtype == np.int16
    assert rounded.tolist() == [min(max(round(float(value)), -32768), 32767) for value in frames]
    assert n_clipped == sum(abs(round(float(value))) > 32768 for value in frames)


@pytest.mark.parametrize(
    ("value", "becomes", "n_clipped"),
    [
        (32767, 32767, 0),
        (32768, 32767, 0),
        (32769, 32767, 1),
        (-32768, -32768, 0),
        (-32769, -32768, 1),
        (1e30, 32767, 1),
        (-1e30, -32768, 1),
    ],
)
def test_full_scale_itself_is_not_counted_as_clipped(value, becomes, n_clipped):
    frames, counted = to_int16(np.array([value, 0.0], np.float32))
    assert (frames.tolist(), counted) == ([becomes, 0], n_clipped)


def test_16_bit_frames_are_returned_unchanged():
    frames = np.array([-32768, 0, 32767], np.int16)
    rounded, n_clipped = to_int16(frames)
    assert rounded is frames
    assert n_clipped == 0
