"""Decide when a host that refuses requests is stopped, and when it is tried again. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

IN_A_ROW = 5
"""Refusals without an answer between them that stop a host."""
FIRST_STOP = 900.0
"""Seconds of the first stop; each stop after it, until an answer comes, is twice as long as the one before."""
LONGEST_STOP = 86_400.0
"""Seconds of the longest stop, also where a host asks for more: once a day one request may try."""
ASKED_STOP = 60.0
"""Seconds: a host that asks for a longer wait is stopped at its first refusal."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is remembered of a host's refusals, since its last good answer.

    `refusals` were in a row; `seconds` was the length of the last stop after too many of them, 0 if there was none; `until` is the
    Unix time when the last stop ends or ended, 0 if there was none.
    """

    refusals: int = 0
    seconds: float = 0.0
    until: float = 0.0

    @property
    def is_trying(self) -> bool:
        """Whether the host was stopped and has not answered since: only one request at a time may try it."""
        return self.until > 0


CLOSED = Breaker()
"""Of a host that never refused, or answered since."""


def after_refusal(breaker: Breaker, asked: float | None, now: float) -> Breaker:
    """Return the state after a refusal that asked for a wait of `asked` seconds, if it named any.

    >>> after_refusal(Breaker(refusals=3), None, now=1000.0)
    Breaker(refusals=4, seconds=0.0, until=0.0)
    >>> after_refusal(Breaker(refusals=4), None, now=1000.0)
    Breaker(refusals=5, seconds=900.0, until=1900.0)
    """
    wait = min(max(0.0, asked or 0.0), LONGEST_STOP)
    refusals = breaker.refusals + 1
    if breaker.until > now:  # of a request that began before the stop
        return replace(breaker, refusals=refusals, until=max(breaker.until, now + wait))
    if breaker.is_trying or refusals >= IN_A_ROW:
        seconds = min(max(2 * breaker.seconds, FIRST_STOP), LONGEST_STOP)
        return Breaker(refusals, seconds, now + max(wait, seconds))
    if wait > ASKED_STOP:
        return Breaker(refusals, 0.0, now + wait)
    return replace(breaker, refusals=refusals)


def after_answer(breaker: Breaker, now: float) -> Breaker:
    """Return the state after a good answer; an answer that comes during a stop is of an earlier request and does not end it."""
    return breaker if breaker.until > now else CLOSED


def bounded(breaker: Breaker, now: float) -> Breaker:
    """Return a state whose stop ends within the longest stop, also after the clock of this machine was set back."""
    return replace(breaker, until=min(breaker.until, now + LONGEST_STOP))
