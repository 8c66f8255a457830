"""No window of a host ever holds more requests than it allows, however late they arrive."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.fetching.limits.breaker import Breaker
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.limits.windows import SPANS, check_host, free_at


def most_in_a_window(times: list[float], span: float) -> int:
    """Return the largest number of times in any window of `span` seconds."""
    return max((sum(begin <= time < begin + span for time in times) for begin in times), default=0)


def nth_newest_of(ended: list[float]):
    newest = sorted(ended, reverse=True)
    return lambda n: newest[n - 1] if n <= len(newest) else None


# Each request: how long after the one before it is wanted, how long it takes, and when in between the host sees it.
REQUESTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 200), st.floats(0, 1)), max_size=60)


@given(REQUESTS, st.integers(1, 5), st.integers(1, 100))
def test_a_host_never_sees_more_than_its_limit_whatever_the_latency(requests, limit, span):
    now, begun, seen = 0.0, [], []
    for pause, seconds, share in requests:
        now += pause
        ended = [end for end in begun if end <= now]
        if free_at(limit, span, len(begun) - len(ended), nth_newest_of(ended), now) <= now:
            begun.append(now + seconds)
            seen.append(now + share * seconds)
    assert most_in_a_window(seen, span) <= limit


@given(st.lists(st.integers(0, 100), max_size=12), st.integers(0, 6), st.integers(1, 6), st.integers(1, 50))
def test_a_request_is_allowed_at_the_first_moment_when_fewer_than_the_limit_count(ended, n_in_flight, limit, span):
    now = 100
    until = free_at(limit, span, n_in_flight, nth_newest_of(ended), now)

    def counting(at: float) -> int:
        return n_in_flight + sum(end > at - span for end in ended)

    if n_in_flight >= limit:
        assert until == now + span
    elif counting(now) < limit:
        assert until <= now
    else:
        assert now < until and counting(until) < limit <= counting(math.nextafter(until, 0))


def check(limits: HostLimits, ended: list[float] = [], n_in_flight: int = 0, breaker: Breaker = Breaker(), now: float = 1e6):  # noqa: B006, B008
    return check_host("h", limits, breaker, n_in_flight, nth_newest_of([now - ago for ago in ended]), now)


@pytest.mark.parametrize(
    ("limits", "ended", "why", "seconds", "is_long"),
    [
        (HostLimits(per_minute=2), [1, 50], "h: 2 a minute are used up", 10, False),
        (HostLimits(per_minute=1), [-5], "h: 1 a minute are used up", 65, False),  # gave up a moment ago, and may still be seen
        (HostLimits(per_hour=1), [600], "h: 1 an hour are used up", 3000, True),
        (HostLimits(per_day=1), [600], "h: 1 a day are used up", 85_800, True),
        (HostLimits(per_day=1), [86_341], "h: 1 a day are used up", 59, False),  # within a minute: worth a wait
        (HostLimits(per_minute=1, per_day=2), [1, 2], "h: 2 a day are used up", 86_398, True),
        (HostLimits(concurrency=1, per_minute=1), [1], "h: 1 a minute are used up", 59, False),
    ],
)
def test_the_cause_that_lasts_longest_is_named(limits, ended, why, seconds, is_long):
    closed = check(limits, ended)
    assert (closed.why, closed.until - 1e6, closed.is_long) == (why, pytest.approx(seconds), is_long)


@pytest.mark.parametrize(("n_in_flight", "is_allowed"), [(0, True), (3, True), (4, False), (9, False)])
def test_requests_in_flight_are_waited_for(n_in_flight, is_allowed):
    closed = check(HostLimits(concurrency=4), n_in_flight=n_in_flight)
    assert (closed is None) == is_allowed
    assert is_allowed or (closed.until, closed.is_long) == (None, False)


def test_a_host_without_limits_is_always_open():
    assert check(HostLimits(), [0] * 100, n_in_flight=1000) is None


def test_a_host_that_was_stopped_is_tried_by_one_request_at_a_time():
    stopped = Breaker(5, 900, 1e6)
    assert check(HostLimits(concurrency=4), now=1e6 - 100, breaker=stopped).is_long
    assert not check(HostLimits(concurrency=4), now=1e6 - 30, breaker=stopped).is_long
    assert check(HostLimits(concurrency=4), breaker=stopped) is None
    assert check(HostLimits(concurrency=4), breaker=stopped, n_in_flight=1).why == "h: 1 at a time"
    assert check(HostLimits(), breaker=stopped, n_in_flight=1).why == "h: 1 at a time"


def test_no_cause_names_a_time_since_it_goes_into_books():
    limits = HostLimits(concurrency=1, per_minute=2, per_hour=3, per_day=4)
    texts = {check(limits, [ago] * 4, n, now=now).why for ago in (0, 70, 4000) for n in (0, 1) for now in (1e6, 2e6)}
    assert texts == {"h: 4 a day are used up"}


def test_windows_have_their_names_lengths():
    assert (SPANS.minute, SPANS.hour, SPANS.day) == (60, 3600, 86_400)
