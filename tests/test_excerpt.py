"""An excerpt knows its frames, and accepts what was decoded or rejects it with a reason."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Reason, Rejected
from transforms.audio.excerpt import END_TOLERANCE, MAX_CHANNELS, MAX_RATE, MIN_RATE, Excerpt, check_format

RATE = 1000


def rejection(excerpt: Excerpt, n_frames: int, n_before: int = 0, fault: str = "") -> Rejected | None:
    try:
        excerpt.check(n_frames, n_before, RATE, fault)
    except Rejected as rejected:
        return rejected
    return None


def reason(excerpt: Excerpt, n_frames: int, n_before: int = 0, fault: str = "") -> Reason | None:
    rejected = rejection(excerpt, n_frames, n_before, fault)
    return rejected and rejected.reason


def test_start_and_end_are_rounded_to_the_nearest_frame():
    assert Excerpt(0.5, 1.25).span(RATE) == (500, 750)
    assert Excerpt(1 / 3, 2 / 3).span(RATE) == (333, 334)


def test_one_frame_more_than_allowed_is_decoded():
    assert Excerpt(0.0, None, 2.0).span(RATE) == (0, 2001)
    assert Excerpt(0.0, 5.0, 2.0).span(RATE) == (0, 2001)
    assert Excerpt(0.0, 2.0, 2.0).span(RATE) == (0, 2000)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100), st.integers(MIN_RATE, MAX_RATE))
def test_excerpts_that_share_a_time_share_no_frame_and_leave_none_out(a, b, c, rate):
    start, middle, end = sorted((a, b, c))
    first_frame, n_first = Excerpt(start, middle).span(rate)
    second_frame, n_second = Excerpt(middle, end).span(rate)
    assert first_frame + n_first == second_frame
    assert (first_frame, n_first + n_second) == Excerpt(start, end).span(rate)


@pytest.mark.parametrize(
    ("excerpt", "is_full"), [(Excerpt(), True), (Excerpt(0.1), False), (Excerpt(0.0, 1.0), False), (Excerpt(0.1, 1.0), False)]
)
def test_only_an_excerpt_without_start_and_end_is_the_full_recording(excerpt, is_full):
    assert excerpt.is_full_recording is is_full


def test_an_excerpt_cannot_be_changed_and_can_be_a_key():
    with pytest.raises(FrozenInstanceError):
        Excerpt().start = 1.0
    assert {Excerpt(1.0): 1}[Excerpt(1.0)] == 1


def test_all_wanted_frames_are_accepted():
    assert reason(Excerpt(1.0, 3.0), 2000, 1000) is None
    assert reason(Excerpt(), 1) is None


def test_an_excerpt_may_end_half_a_second_after_its_recording():
    assert END_TOLERANCE == 0.5
    assert reason(Excerpt(1.0, 3.0), 1500, 1000) is None
    assert reason(Excerpt(1.0, 3.0), 1499, 1000) is Reason.OUT_OF_RANGE


def test_an_excerpt_after_the_end_is_out_of_range():
    assert reason(Excerpt(5.0, 6.0), 0, 4000) is Reason.OUT_OF_RANGE
    assert reason(Excerpt(5.0, None), 0, 4000) is Reason.OUT_OF_RANGE
    assert reason(Excerpt(5.0, 5.2), 0, 4000) is Reason.OUT_OF_RANGE  # shorter than the tolerance


def test_out_of_range_names_the_excerpt_and_the_duration_of_the_recording():
    assert rejection(Excerpt(1.0, 3.0), 500, 1000).detail == "excerpt from 1 s to 3 s, but the recording has 1.50 s"
    assert rejection(Excerpt(5.0, None), 0, 4000).detail == "excerpt from 5 s to its end, but the recording has 4.00 s"


def test_more_than_the_limit_is_too_long():
    assert reason(Excerpt(0.0, None, 2.0), 2001) is Reason.TOO_LONG
    assert reason(Excerpt(0.0, None, 2.0), 2000) is None
    assert reason(Excerpt(0.0, None, 2.0), 2001, fault="bad packet") is Reason.TOO_LONG


def test_the_longest_excerpt_is_two_hours_unless_stated_otherwise():
    assert Excerpt(3.0).max_seconds == 7200.0


def test_a_fault_rejects_only_when_wanted_frames_are_missing():
    assert reason(Excerpt(0.0, 1.0), 1000, fault="bad packet") is None
    assert reason(Excerpt(0.0, 1.0), 999, fault="bad packet") is Reason.CORRUPT
    assert reason(Excerpt(), 5000, fault="the file ends") is Reason.CORRUPT
    assert rejection(Excerpt(), 500, 1000, fault="the file ends").detail == "the file ends after 1.50 s"


def test_a_recording_without_frames_is_empty():
    assert reason(Excerpt(), 0) is Reason.EMPTY
    assert reason(Excerpt(0.0, 1.0), 0) is Reason.EMPTY
    assert reason(Excerpt(1.0, 2.0), 0) is Reason.OUT_OF_RANGE
    assert reason(Excerpt(0.0, None), 0, 5) is Reason.OUT_OF_RANGE


@pytest.mark.parametrize(("rate", "n_channels"), [(0, 1), (999, 1), (768_001, 1), (2**31 - 1, 1), (44_100, 0), (44_100, 65), (-1, 2)])
def test_impossible_rates_and_channels_are_corrupt(rate, n_channels):
    with pytest.raises(Rejected) as raised:
        check_format(rate, n_channels)
    assert raised.value.reason is Reason.CORRUPT
    given_value = n_channels if rate == 44_100 else rate
    assert str(given_value) in raised.value.detail


def test_the_smallest_and_largest_rates_and_channel_counts_are_accepted():
    assert (MIN_RATE, MAX_RATE, MAX_CHANNELS) == (1_000, 768_000, 64)
    check_format(1_000, 1)
    check_format(768_000, 64)
