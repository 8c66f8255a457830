"""Any kind of frames becomes the mean of its channels, full scale at 32768, with nothing in it that is not a number."""

import doctest

import numpy as np
import pytest

from transforms.audio import mix as module
from transforms.audio.mix import to_mono


@pytest.mark.parametrize(
    ("kind", "half"),
    [("int16", 16384), ("int32", 1 << 30), ("uint8", 192), ("float32", 0.5), ("float64", 0.5)],
    ids=lambda value: str(value),
)
@pytest.mark.parametrize("n_channels", [1, 2, 6, 64])
def test_half_of_full_scale_is_half_in_every_kind_and_number_of_channels(kind, half, n_channels):
    mono, n_nonfinite = to_mono(np.full((10, n_channels), half, kind))
    assert mono.dtype == (np.int16 if (kind, n_channels) == ("int16", 1) else np.float32)
    assert mono.tolist() == [16384] * 10
    assert n_nonfinite == 0


def test_channels_are_averaged_and_not_added():
    mono, _ = to_mono(np.array([[1.0, -1.0, 0.5, 0.5]], np.float32))
    assert mono.tolist() == [8192.0]


def test_the_loudest_and_softest_16_bit_values_do_not_overflow():
    mono, _ = to_mono(np.array([[32767, 32767], [-32768, -32768]], np.int16))
    assert mono.tolist() == [32767.0, -32768.0]


def test_one_channel_may_come_without_its_axis():
    assert to_mono(np.array([0.5], np.float32))[0].tolist() == [16384.0]


def test_16_bit_mono_survives_to_the_bit():
    every = np.arange(-32768, 32768).astype(np.int16)
    mono, _ = to_mono(every[:, None])
    assert mono.dtype == np.int16
    assert np.array_equal(mono, every)
    assert np.array_equal(to_mono(np.stack([every, every], axis=1))[0], every)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_what_is_not_finite_is_replaced_and_counted(kind):
    frames = np.array([[np.nan, 0.5], [np.inf, 1.0], [-np.inf, -1.0], [0.25, 0.25]], kind)
    mono, n_nonfinite = to_mono(frames)
    assert mono.tolist() == [8192.0, 32768.0, -32768.0, 8192.0]
    assert n_nonfinite == 3


def test_finite_values_beyond_all_measure_stay_finite():
    mono, n_nonfinite = to_mono(np.full((4, 2), 3e38, np.float32))
    assert np.isfinite(mono).all()
    assert n_nonfinite == 0
    assert np.isfinite(to_mono(np.full((4, 1), 1e300))[0]).all()
    assert np.isfinite(to_mono(np.array([[3e38], [-3e38]], np.float32))[0]).all()


def test_values_that_only_processors_know_raise_no_warning():
    signalling = np.array([0x7F800001, 0xFF8ABCDE, 0x3F000000], np.uint32).view(np.float32)[:, None]
    mono, n_nonfinite = to_mono(signalling)
    assert (mono.tolist(), n_nonfinite) == ([0.0, 0.0, 16384.0], 2)


def test_no_frames_are_no_frames():
    assert len(to_mono(np.zeros((0, 2), np.float32))[0]) == 0


def test_the_frames_given_are_not_changed():
    frames = np.array([[0.5], [np.nan]], np.float32)
    to_mono(frames)[0][:] = 9
    assert frames[0, 0] == 0.5
    assert np.isnan(frames[1, 0])


def test_the_examples_of_the_module_hold():
    assert doctest.testmod(module).failed == 0
