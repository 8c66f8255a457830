"""Any kind of frames becomes the mean of its channels, full scale at 32768, and every value is a finite number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from transforms.audio.mix import to_mono

FULL_SCALE = {"int16": 32768, "int32": 1 << 31, "uint8": 128, "float32": 1.0, "float64": 1.0}
finite = st.floats(-4.0, 4.0, width=32)


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


@given(arrays(np.float32, st.integers(1, 50), elements=finite), st.integers(1, 64))
def test_the_mix_of_equal_channels_is_the_channel(channel, n_channels):
    mono, n_nonfinite = to_mono(np.repeat(channel[:, None], n_channels, axis=1))
    assert np.allclose(mono, channel * 32768.0, rtol=1e-5, atol=1e-3)
    assert n_nonfinite == 0


@pytest.mark.parametrize("kind", FULL_SCALE)
@given(data=st.data(), n_frames=st.integers(1, 20), n_channels=st.integers(1, 8))
def test_every_channel_has_the_same_weight(kind, data, n_frames, n_channels):
    elements = finite if kind.startswith("float") else None
    frames = data.draw(arrays(kind, (n_frames, n_channels), elements=elements))
    values = frames.astype(np.float64) - (128 if kind == "uint8" else 0)
    mono, _ = to_mono(frames)
    assert np.allclose(mono, values.mean(axis=1) / FULL_SCALE[kind] * 32768, rtol=1e-5, atol=2e-2)


def test_channels_are_averaged_and_not_added():
    mono, _ = to_mono(np.array([[1.0, -1.0, 0.5, 0.5]], np.float32))
    assert mono.tolist() == [8192.0]


def test_the_largest_and_smallest_16_bit_values_do_not_overflow():
    mono, _ = to_mono(np.array([[32767, 32767], [-32768, -32768]], np.int16))
    assert mono.tolist() == [32767.0, -32768.0]


@pytest.mark.parametrize("n_channels", [1, 2])
def test_24_bit_values_stay_exact(n_channels):
    values = np.array([[1], [-1], [8388607], [-8388608]], np.int32) << 8
    mono, _ = to_mono(np.repeat(values, n_channels, axis=1))
    assert (mono.astype(np.float64) * 256).tolist() == [1, -1, 8388607, -8388608]


@pytest.mark.parametrize("kind", FULL_SCALE)
def test_one_channel_may_come_without_its_axis(kind):
    frames = np.array([0.5] if kind.startswith("float") else [100], kind)
    assert to_mono(frames)[0].tolist() == to_mono(frames[:, None])[0].tolist()


def test_16_bit_mono_stays_as_it_is_and_shares_memory():
    every = np.arange(-32768, 32768).astype(np.int16)
    mono, n_nonfinite = to_mono(every[:, None])
    assert (mono.dtype, n_nonfinite) == (np.int16, 0)
    assert np.array_equal(mono, every)
    assert np.shares_memory(mono, every)
    assert np.array_equal(to_mono(np.stack([every, every], axis=1))[0], every)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_values_that_are_not_finite_are_replaced_and_counted(kind):
    frames = np.array([[np.nan, 0.5], [np.inf, 1.0], [-np.inf, -1.0], [0.25, 0.25]], kind)
    mono, n_nonfinite = to_mono(frames)
    assert mono.tolist() == [8192.0, 32768.0, -32768.0, 8192.0]
    assert n_nonfinite == 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_a_single_value_that_is_not_finite_is_noticed_in_any_channel(value, n_channels):
    for channel in range(n_channels):
        frames = np.full((9, n_channels), 0.5, np.float32)
        frames[4, channel] = value
        mono, n_nonfinite = to_mono(frames)
        assert np.isfinite(mono).all()
        assert n_nonfinite == 1


def test_huge_finite_values_stay_finite_and_are_not_counted():
    for frames in (np.full((4, 2), 3e38, np.float32), np.full((4, 1), 1e300), np.array([[3e38], [-3e38]], np.float32)):
        mono, n_nonfinite = to_mono(frames)
        assert np.abs(mono).max() == np.float32(1e30)
        assert n_nonfinite == 0
    assert to_mono(np.array([[-3e38]], np.float32))[0][0] == np.float32(-1e30)
    assert to_mono(np.array([[1e20]], np.float32))[0][0] == np.float32(1e20) * 32768


def test_signalling_nans_raise_no_warning():
    signalling = np.array([0x7F800001, 0xFF8ABCDE, 0x3F000000], np.uint32).view(np.float32)[:, None]
    mono, n_nonfinite = to_mono(signalling)
    assert (mono.tolist(), n_nonfinite) == ([0.0, 0.0, 16384.0], 2)


def test_no_frames_give_no_frames():
    mono, n_nonfinite = to_mono(np.zeros((0, 2), np.float32))
    assert (len(mono), n_nonfinite) == (0, 0)


@pytest.mark.parametrize("kind", ["float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_the_given_frames_are_not_changed(kind, n_channels):
    frames = np.ones((5, n_channels), kind)
    mono, _ = to_mono(frames)
    mono[:] = 9
    assert (frames == 1).all()
