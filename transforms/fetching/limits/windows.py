"""Decide whether a host may be asked now: its windows of time, its requests in flight, and whether it stopped us. Pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from transforms.fetching.limits.breaker import Breaker
from transforms.fetching.limits.hosts import HostLimits

NthNewest = Callable[[int], float | None]
"""n (from 1) -> when the n-th newest of a host's ended requests ended, in Unix time; `None` where it has fewer."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Lengths of windows, in seconds; tests make them short.

    `settle` is added to requests whose answer did not come: the host may see them after we gave them up.
    """

    minute: float = 60.0
    hour: float = 3_600.0
    day: float = 86_400.0
    settle: float = 5.0


SPANS = Spans()


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a host may not be asked now: `why` in words without a clock, since they go into books.

    `until` is the Unix time before which it stays closed, `None` where a request has to end first. `is_long` is false for what every
    request waits for: requests in flight, the limit of a minute, and anything else that lasts a minute at most.
    """

    why: str
    until: float | None = None
    is_long: bool = False


def free_at(limit: int, span: float, n_in_flight: int, nth_newest: NthNewest, now: float) -> float:
    """Return the Unix time before which another request would exceed `limit` in a window; a time that is not after `now`: it may begin.

    A host sees a request at some time between its begin and its end, which we do not know. So a request counts while it is in flight,
    and for `span` seconds after its end. Then no window of `span` seconds ever holds more than `limit` requests, however late any of
    them arrive: of the requests of a window, look at the one that began last. All others were in flight then, or had ended less than
    `span` before; so they were counted, and at most `limit - 1` were.

    Args:
        limit: requests that a window may hold, at least 1.
        span: seconds of a window.

    >>> ended = [40.0, 30.0, 20.0]
    >>> free_at(3, 60.0, 1, lambda n: ended[n - 1] if n <= len(ended) else None, now=50.0)
    90.0
    """
    if n_in_flight >= limit:
        return now + span  # none of them ends before now
    ended = nth_newest(limit - n_in_flight)
    return now if ended is None else ended + span


def check_host(
    host: str, limits: HostLimits, breaker: Breaker, n_in_flight: int, nth_newest: NthNewest, now: float, spans: Spans = SPANS
) -> Closed | None:
    """Return why a host may not be asked now; `None` if it may. Of several causes it is the one that lasts longest."""
    causes = [Closed(f"{host}: stopped, because it refused requests", breaker.until, True)]
    windows = (
        (limits.per_day, spans.day, "a day"),
        (limits.per_hour, spans.hour, "an hour"),
        (limits.per_minute, spans.minute, "a minute"),
    )
    for limit, span, unit in windows:
        if limit is not None:
            until = free_at(limit, span, n_in_flight, nth_newest, now)
            causes.append(Closed(f"{host}: {limit} {unit} are used up", until, unit != "a minute"))
    longest = max(causes, key=lambda cause: cause.until or 0.0)
    if longest.until is not None and longest.until > now:
        is_long = longest.is_long and longest.until - now > spans.minute
        return Closed(longest.why, longest.until, is_long)
    concurrency = 1 if breaker.is_trying else limits.concurrency
    if concurrency is not None and n_in_flight >= concurrency:
        return Closed(f"{host}: {concurrency} at a time")
    return None
