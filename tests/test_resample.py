"""48 kHz without audible loss, and 16 bits that saturate."""

import doctest

import numpy as np
import pytest

from pipeline.records import SAMPLE_RATE
from transforms.audio import resample as module
from transforms.audio.resample import Resampler, to_int16


def sine(hz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def resample(frames: np.ndarray, rate: int, block: int = 10**9) -> np.ndarray:
    resampler = Resampler(rate)
    blocks = [resampler.add(frames[at : at + block]) for at in range(0, len(frames), block)]
    return np.concatenate([*blocks, resampler.finish()])


@pytest.mark.parametrize("rate", [1_000, 8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 768_000])
def test_the_length_in_seconds_is_kept_at_every_rate(rate):
    assert abs(len(resample(sine(100, rate), rate)) - SAMPLE_RATE) <= 1


@pytest.mark.parametrize("hz", [100, 1_000, 10_000, 19_000, 20_000])
def test_a_tone_keeps_its_shape_up_to_20_khz(hz):
    out = resample(sine(hz, 44_100), 44_100)[2000:-2000].astype(np.float64)
    turns = 2 * np.pi * hz * np.arange(2000, 2000 + len(out)) / SAMPLE_RATE
    waves = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    sine_part, cosine_part = np.linalg.lstsq(waves, out)[0]
    tone = waves @ [sine_part, cosine_part]
    assert sine_part == pytest.approx(0.5, rel=0.001)
    assert abs(cosine_part) < 1e-6  # no delay
    assert 10 * np.log10((tone**2).mean() / ((out - tone) ** 2).mean()) >= 130


def test_what_lies_above_the_new_band_leaves_no_alias():
    out = resample(sine(30_000, 96_000), 96_000)[2000:-2000]
    assert 20 * np.log10(np.abs(out).max() / 0.5) < -110


def test_48_khz_is_left_alone():
    frames = sine(440, SAMPLE_RATE)
    assert Resampler(SAMPLE_RATE).add(frames) is frames


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("block", [1, 1000, 65_536])
def test_blocks_give_the_same_frames_as_all_at_once(rate, block):
    noise = np.random.default_rng(3).uniform(-1, 1, 5_000 if block == 1 else 200_000).astype(np.float32)
    assert np.array_equal(resample(noise, rate, block), resample(noise, rate))


def test_rounding_is_to_the_nearest_step():
    steps = np.array([0.4, 0.6, -0.4, -0.6], np.float32)
    assert to_int16(steps)[0].tolist() == [0, 1, 0, -1]


def test_what_exceeds_full_scale_saturates_and_is_counted():
    frames, n_clipped = to_int16(np.array([40000.0, -40000.0, 1e30, -1e30, 0.0], np.float32))
    assert frames.tolist() == [32767, -32768, 32767, -32768, 0]
    assert n_clipped == 4


def test_full_scale_itself_is_not_called_clipped():
    assert to_int16(np.array([32768.0, -32768.0], np.float32))[1] == 0


def test_16_bit_frames_are_passed_through():
    frames = np.array([-32768, 0, 32767], np.int16)
    assert to_int16(frames)[0] is frames


def test_the_examples_of_the_module_hold():
    assert doctest.testmod(module).failed == 0
