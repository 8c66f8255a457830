"""A host that refuses requests is stopped, for longer each time, and tried by one request after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.fetching.limits.breaker import CLOSED, Breaker, after_answer, after_refusal, bounded

DAY = 86_400


def refuse(times: int, breaker: Breaker = CLOSED, asked: float | None = None, now: float = 0.0) -> Breaker:
    for _ in range(times):
        breaker = after_refusal(breaker, asked, now)
    return breaker


def test_five_refusals_in_a_row_stop_a_host_for_a_quarter_of_an_hour():
    assert not refuse(4).is_trying
    assert refuse(5).until == 900


def test_an_answer_between_begins_the_row_again():
    assert refuse(4, after_answer(refuse(4), 0.0)).until == 0


@pytest.mark.parametrize(
    ("asked", "until"),
    [(None, 0), (0, 0), (-5, 0), (float("nan"), 0), (60, 0), (61, 61), (5000, 5000), (10 * DAY, DAY), (float("inf"), DAY)],
)
def test_a_host_that_asks_for_more_than_a_minute_is_stopped_at_once_for_a_day_at_most(asked, until):
    assert refuse(1, asked=asked).until == until


def test_a_long_wait_that_is_asked_for_replaces_a_shorter_stop():
    assert after_refusal(refuse(4), 5000.0, 0.0).until == 5000
    assert after_refusal(refuse(4), 100.0, 0.0).until == 900


def test_each_stop_is_twice_as_long_as_the_one_before_up_to_a_day():
    breaker, lengths = refuse(5), []
    for _ in range(9):
        lengths.append(breaker.seconds)
        breaker = after_refusal(breaker, None, breaker.until)  # the one request that tries
    assert lengths == [900, 1800, 3600, 7200, 14_400, 28_800, 57_600, DAY, DAY]


def test_refusals_of_requests_that_began_before_the_stop_make_it_no_longer():
    stopped = refuse(5)
    assert refuse(20, stopped, now=899).until == 900
    assert refuse(1, stopped, asked=2000, now=100).until == 2100


def test_one_answer_after_the_stop_ends_it():
    assert after_answer(refuse(5), 900.0) == CLOSED


def test_an_answer_during_the_stop_is_of_an_earlier_request_and_ends_nothing():
    assert after_answer(refuse(5), 899.0) == refuse(5)


def test_a_refusal_after_a_stop_that_was_asked_for_stops_the_host_again():
    assert after_refusal(refuse(1, asked=100), None, 100.0).until == 1000


def test_a_clock_that_was_set_back_does_not_stop_a_host_for_longer_than_a_day():
    assert bounded(refuse(5, now=1e9), 1000.0).until == 1000 + DAY
    assert bounded(refuse(5), 0.0) == refuse(5)


EVENTS = st.lists(st.tuples(st.sampled_from(["answer", "refusal"]), st.floats(0, 1e6), st.one_of(st.none(), st.floats(0, 1e7))))


@given(EVENTS)
def test_a_stop_never_becomes_shorter_and_never_lasts_longer_than_a_day(events):
    now, breaker = 0.0, CLOSED
    for event, pause, asked in events:
        now += pause
        before, breaker = breaker, after_answer(breaker, now) if event == "answer" else after_refusal(breaker, asked, now)
        assert breaker.until >= before.until or before.until <= now
        assert breaker.until <= now + DAY
