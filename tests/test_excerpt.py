"""Which frames of a recording are wanted, and what is said when they are not there."""

import pytest

from pipeline.records import Reason, Rejected
from transforms.audio.excerpt import END_TOLERANCE, Excerpt, check_format

RATE = 1000


def refusal(excerpt: Excerpt, n_frames: int, n_before: int = 0, fault: str = "") -> Reason | None:
    try:
        excerpt.check(n_frames, n_before, RATE, fault)
    except Rejected as rejected:
        return rejected.reason
    return None


def test_a_span_is_rounded_to_frames():
    assert Excerpt(0.5, 1.25).span(RATE) == (500, 750)
    assert Excerpt(1 / 3, 2 / 3).span(RATE) == (333, 334)


def test_without_an_end_one_frame_more_than_allowed_is_asked_for():
    assert Excerpt(0.0, None, 2.0).span(RATE) == (0, 2001)
    assert Excerpt(0.0, 5.0, 2.0).span(RATE) == (0, 2001)


def test_what_was_asked_for_is_accepted():
    assert refusal(Excerpt(1.0, 3.0), 2000, 1000) is None
    assert refusal(Excerpt(), 1) is None


def test_an_excerpt_may_end_a_little_after_its_recording():
    just = 2000 - round(END_TOLERANCE * RATE)
    assert refusal(Excerpt(1.0, 3.0), just, 1000) is None
    assert refusal(Excerpt(1.0, 3.0), just - 1, 1000) is Reason.OUT_OF_RANGE


def test_an_excerpt_beyond_the_recording_is_out_of_range():
    assert refusal(Excerpt(5.0, 6.0), 0, 4000) is Reason.OUT_OF_RANGE
    assert refusal(Excerpt(5.0, None), 0, 4000) is Reason.OUT_OF_RANGE


def test_more_than_the_limit_is_too_long():
    assert refusal(Excerpt(0.0, None, 2.0), 2001) is Reason.TOO_LONG
    assert refusal(Excerpt(0.0, None, 2.0), 2000) is None


def test_a_fault_counts_only_where_it_costs_wanted_frames():
    assert refusal(Excerpt(0.0, 1.0), 1000, fault="bad packet") is None
    assert refusal(Excerpt(0.0, 1.0), 999, fault="bad packet") is Reason.CORRUPT
    assert refusal(Excerpt(), 5000, fault="the file ends") is Reason.CORRUPT


def test_no_frame_at_all_is_empty():
    assert refusal(Excerpt(), 0) is Reason.EMPTY
    assert refusal(Excerpt(0.0, 1.0), 0) is Reason.EMPTY


@pytest.mark.parametrize(("rate", "n_channels"), [(0, 1), (999, 1), (768_001, 1), (2**31 - 1, 1), (44_100, 0), (44_100, 65), (-1, 2)])
def test_impossible_rates_and_channels_are_corrupt(rate, n_channels):
    with pytest.raises(Rejected) as no:
        check_format(rate, n_channels)
    assert no.value.reason is Reason.CORRUPT


def test_every_possible_rate_and_channel_count_passes():
    for rate, n_channels in [(1000, 1), (768_000, 64)]:
        check_format(rate, n_channels)
