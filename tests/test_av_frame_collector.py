"""Frames of any size, rate and format become blocks at the rate of the first frame."""

import av
import numpy as np
import pytest

from pipeline.records import Reason, Rejected
from tests.frame_recorder import FrameRecorder
from transforms.audio.av_frame_collector import AvFrameCollector, UnsupportedByAvError
from transforms.audio.excerpt import Excerpt
from transforms.audio.excerpt_cutter import BLOCK_FRAMES

RATE = 8000
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
NOISE = np.random.default_rng(9).integers(-20_000, 20_000, (3 * BLOCK_FRAMES, 1)).astype(np.int16)


def av_frame(values: np.ndarray, rate: int = RATE, kind: str = "s16") -> av.AudioFrame:
    """Return an FFmpeg frame of `(n_frames, n_channels)` values."""
    array = np.ascontiguousarray(values.T) if kind.endswith("p") else values.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(array, format=kind, layout=LAYOUTS[values.shape[1]])
    frame.sample_rate = rate
    return frame


def add_all(collector: AvFrameCollector, values: np.ndarray, size: int = 160, rate: int = RATE, kind: str = "s16") -> int:
    """Add values in frames of `size` until the collector is complete; return how many were added."""
    for at in range(0, len(values), size):
        if collector.is_complete:
            return at
        collector.add(av_frame(values[at : at + size], rate, kind))
    return len(values)


def collect(excerpt: Excerpt, values: np.ndarray, size: int = 160) -> FrameRecorder:
    recorder = FrameRecorder(excerpt)
    collector = AvFrameCollector([recorder.cutter])
    add_all(collector, values, size)
    collector.flush()
    return recorder


@pytest.mark.parametrize("size", [160, 1023, 100_000])
@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.0, 1.0), (2.5, 20.0), (9.0, None), (8.192, 16.384), (24.0, 30.0)])
def test_an_excerpt_is_a_slice_of_the_frames_for_any_frame_size(start, end, size):
    recorder = collect(Excerpt(start, end), NOISE, size)
    wanted = NOISE[round(start * RATE) : None if end is None else round(end * RATE), 0]
    assert np.array_equal(np.concatenate([*recorder.blocks]), wanted)
    assert recorder.cutter.n_frames == len(wanted)


def test_frames_are_passed_on_in_blocks_that_end_with_the_last_excerpt():
    recorder = FrameRecorder(Excerpt(0.0, 10.0))
    collector = AvFrameCollector([recorder.cutter])
    n_added = add_all(collector, NOISE)
    assert [len(block) for block in recorder.blocks] == [BLOCK_FRAMES + 64, 80_000 - BLOCK_FRAMES - 64]  # 160 does not divide a block
    assert collector.is_complete
    assert n_added == 80_000


def test_frames_before_the_first_excerpt_are_counted_and_not_collected():
    recorder = FrameRecorder(Excerpt(2.0, 3.0))
    collector = AvFrameCollector([recorder.cutter])
    add_all(collector, NOISE[:15_900])
    assert (collector.n_decoded, recorder.blocks) == (15_840 + 60, [])
    add_all(collector, NOISE[15_900:24_000], size=100)
    assert np.array_equal(recorder.blocks[0], NOISE[16_000:24_000, 0])


def test_frames_are_collected_from_the_first_to_the_last_excerpt():
    early, late = FrameRecorder(Excerpt(1.0, 2.0)), FrameRecorder(Excerpt(0.5, 1.5))
    collector = AvFrameCollector([early.cutter, late.cutter])
    add_all(collector, NOISE)
    assert np.array_equal(np.concatenate(early.blocks), NOISE[8_000:16_000, 0])
    assert np.array_equal(np.concatenate(late.blocks), NOISE[4_000:12_000, 0])
    assert collector.n_decoded == 16_000


def test_the_source_format_is_that_of_the_first_frame():
    recorder = FrameRecorder()
    collector = AvFrameCollector([recorder.cutter])
    assert (collector.source, collector.n_decoded, collector.seconds_since(0)) == (None, 0, 0.0)
    collector.name = "mov/aac"
    collector.add(av_frame(np.zeros((100, 2), np.int16), 44_100))
    source = collector.source
    assert source is not None
    assert source is recorder.source
    assert (source.name, source.rate, source.n_channels, source.decoder) == ("mov/aac", 44_100, 2, "av")


def test_frames_without_samples_are_ignored():
    collector = AvFrameCollector([FrameRecorder().cutter])
    collector.add(av.AudioFrame(format="s16", layout="mono", samples=0))
    assert collector.source is None


@pytest.mark.parametrize("kind", ["u8", "u8p", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"])
def test_every_sample_format_that_pyav_converts_is_mixed(kind):
    dtype = {"u": np.uint8, "s1": np.int16, "s3": np.int32, "f": np.float32, "d": np.float64}
    numpy_type = next(value for prefix, value in dtype.items() if kind.startswith(prefix))
    full = {np.uint8: 128, np.int16: 1 << 15, np.int32: 1 << 31}.get(numpy_type, 1)
    zero = 128 if numpy_type is np.uint8 else 0
    left_and_right = np.array([[0.5, 0.25]] * 50) * full + zero
    recorder = FrameRecorder()
    collector = AvFrameCollector([recorder.cutter])
    collector.add(av_frame(left_and_right.astype(numpy_type), RATE, kind))
    collector.flush()
    assert recorder.frames == pytest.approx(np.full(50, 0.375))


def test_64_bit_samples_are_unsupported():
    frame = av.AudioFrame(format="s64", layout="mono", samples=10)
    frame.sample_rate = RATE
    with pytest.raises(UnsupportedByAvError) as raised:
        AvFrameCollector([FrameRecorder().cutter]).add(frame)
    assert raised.value.rejected.reason is Reason.UNSUPPORTED
    assert "s64" in raised.value.rejected.detail
    assert str(raised.value) == str(raised.value.rejected)


@pytest.mark.parametrize("rate", [999, 768_001])
def test_an_impossible_rate_is_corrupt(rate):
    with pytest.raises(Rejected) as raised:
        AvFrameCollector([FrameRecorder().cutter]).add(av_frame(NOISE[:10], rate))
    assert raised.value.reason is Reason.CORRUPT


def test_the_number_of_channels_and_the_sample_format_may_change():
    recorder = FrameRecorder()
    collector = AvFrameCollector([recorder.cutter])
    for n_channels, kind, dtype in [(2, "s16", np.int16), (1, "s16", np.int16), (6, "s16p", np.int16), (1, "fltp", np.float32)]:
        level = 0.5 if dtype is np.float32 else 16384
        collector.add(av_frame(np.full((100, n_channels), level, dtype), RATE, kind))
        collector.add(av_frame(np.full((100, n_channels), level, dtype), RATE, kind))
    collector.flush()
    assert recorder.frames.tolist() == [0.5] * 800


@pytest.mark.parametrize("second_rate", [4_000, 16_000, 44_100])
def test_frames_with_another_rate_are_resampled_to_the_first_one(second_rate):
    recorder = FrameRecorder()
    collector = AvFrameCollector([recorder.cutter])
    for rate in (RATE, second_rate, RATE):
        before = collector.n_decoded
        values = 16_000 * np.sin(2 * np.pi * 100 * np.arange(2 * rate)[:, None] / rate)
        add_all(collector, values.astype(np.int16), rate=rate)
        assert collector.seconds_since(before) == pytest.approx(2.0, abs=0.05)  # a resampler holds some frames back
    collector.flush()
    assert collector.source is not None
    assert collector.source.rate == RATE
    assert collector.n_decoded == recorder.cutter.n_frames == pytest.approx(6 * RATE, abs=2)
    tone = 16_000 / 32_768 * np.sin(2 * np.pi * 100 * np.arange(6 * RATE) / RATE)
    for second in (0.5, 2.5, 4.5):
        part = slice(round(second * RATE), round((second + 1) * RATE))
        assert np.abs(recorder.frames[part] - tone[part]).max() < 0.01


def test_an_excerpt_of_frames_with_another_rate_is_complete_at_its_end():
    recorder = FrameRecorder(Excerpt(1.0, 3.0))
    collector = AvFrameCollector([recorder.cutter])
    add_all(collector, np.zeros((RATE * 2, 1), np.int16))
    n_added = add_all(collector, np.zeros((40_000, 1), np.int16), rate=16_000)
    assert collector.is_complete
    assert recorder.cutter.n_frames == 2 * RATE
    assert 16_000 <= n_added < 18_000


def test_values_that_are_not_finite_are_counted_once_a_block():
    recorder = FrameRecorder()
    collector = AvFrameCollector([recorder.cutter])
    values = np.full((1000, 1), 0.5, np.float32)
    values[[3, 500]] = np.nan
    add_all(collector, values, kind="flt")
    collector.flush()
    assert recorder.cutter.n_nonfinite == 2
    assert np.isfinite(recorder.frames).all()


def test_silence_before_the_first_frame_begins_with_it():
    recorder = FrameRecorder()
    collector = AvFrameCollector([recorder.cutter])
    collector.add_silence(0.5)
    assert collector.n_decoded == 0
    add_all(collector, NOISE[:160])
    collector.flush()
    assert np.array_equal(recorder.frames, np.concatenate([np.zeros(4000), NOISE[:160, 0] / 32_768]))


@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.25, 5.0), (1.0, 2.0), (1.5, 9.0), (5.0, 6.0), (6.0, 6.5)])
def test_silence_between_frames_is_part_of_excerpts(start, end):
    recorder = FrameRecorder(Excerpt(start, end))
    collector = AvFrameCollector([recorder.cutter])
    add_all(collector, NOISE[:8_000])
    collector.add_silence(5.0)
    add_all(collector, NOISE[8_000:16_000])
    collector.flush()
    heard = np.concatenate([NOISE[:8_000, 0], np.zeros(5 * RATE, np.int16), NOISE[8_000:16_000, 0]])
    assert np.array_equal(np.concatenate(recorder.blocks), heard[round(start * RATE) : None if end is None else round(end * RATE)])
    assert max(len(block) for block in recorder.blocks) <= BLOCK_FRAMES


def test_silence_ends_with_the_last_excerpt():
    recorder = FrameRecorder(Excerpt(0.5, 2.0))
    collector = AvFrameCollector([recorder.cutter])
    add_all(collector, NOISE[:8_000])
    collector.add_silence(1e9)
    assert collector.is_complete and collector.n_decoded == 2 * RATE
    collector.add_silence(1.0)
    assert (collector.n_decoded, recorder.cutter.n_frames) == (2 * RATE, 12_000)
