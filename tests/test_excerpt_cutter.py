"""A cutter passes exactly the frames of its excerpt to the sink, whatever the sizes of the blocks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Reason, SourceFormat
from tests.frame_recorder import FrameRecorder
from transforms.audio.excerpt import Excerpt

RATE = 1000
SOURCE = SourceFormat("wav/pcm_16", RATE, 1, "test")
FRAMES = np.arange(5000).astype(np.int16)


def cut(excerpt: Excerpt, block_sizes: list[int]) -> FrameRecorder:
    recorder, position = FrameRecorder(excerpt), 0
    recorder.cutter.begin(SOURCE)
    for size in [*block_sizes, len(FRAMES)]:
        block = FRAMES[position : position + size]
        recorder.cutter.add(position, block, 0)
        position += len(block)
    return recorder


@given(st.floats(0, 6), st.floats(0, 6), st.lists(st.integers(0, 1500), max_size=20))
def test_an_excerpt_is_a_slice_of_the_recording_for_any_block_sizes(a, b, block_sizes):
    start, end = sorted((a, b))
    recorder = cut(Excerpt(start, end), block_sizes)
    wanted = FRAMES[round(start * RATE) : round(end * RATE)]
    assert np.array_equal(recorder.frames * 32768, wanted)
    assert recorder.cutter.n_frames == len(wanted)
    assert recorder.cutter.is_complete == (round(end * RATE) <= len(FRAMES) or start == end)
    assert all(len(block) for block in recorder.blocks)


def test_blocks_without_wanted_frames_do_not_count_for_nonfinite_values():
    recorder = FrameRecorder(Excerpt(1.0, 2.0))
    recorder.cutter.begin(SOURCE)
    for position, n_nonfinite in [(0, 1), (1000, 10), (1500, 100), (2000, 1000)]:
        recorder.cutter.add(position, FRAMES[position : position + 500], n_nonfinite)
    assert recorder.cutter.n_nonfinite == 110


def test_a_cutter_knows_its_frames_once_the_format_is_set():
    recorder = FrameRecorder(Excerpt(1.0, 2.5))
    assert not recorder.cutter.is_complete
    recorder.cutter.begin(SOURCE)
    assert (recorder.cutter.first_frame, recorder.cutter.n_wanted, recorder.cutter.stop_frame) == (1000, 1500, 2500)
    assert recorder.cutter.source is recorder.source is SOURCE
    assert not recorder.cutter.is_complete
    recorder.cutter.add(0, FRAMES[:2499], 0)
    assert not recorder.cutter.is_complete
    recorder.cutter.add(2499, FRAMES[2499:2500], 0)
    assert recorder.cutter.is_complete


def test_missing_frames_are_rejected_and_complete_ones_are_not():
    assert cut(Excerpt(1.0, 2.0), []).cutter.rejection(1000, "bad packet") is None
    late = cut(Excerpt(4.0, 6.0), []).cutter
    assert late.rejection(4000, "").reason is Reason.OUT_OF_RANGE
    assert late.rejection(4000, "").detail.endswith("has 5.00 s")
    assert late.rejection(4000, "bad packet").reason is Reason.CORRUPT
