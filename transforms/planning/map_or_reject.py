"""Apply a function to each clip of a list; what it rejects becomes a rejection."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipeline.records import Clip, Rejected, Rejection


def map_or_reject(clips: Iterable[Clip], stage: str, function: Callable[[Clip], Clip], rejections: list[Rejection]) -> list[Clip]:
    """Return `function(clip)` of each clip, in order.

    A clip for which the function raises `Rejected` is appended to `rejections`, as rejected at `stage`; other exceptions pass.
    """
    results = []
    for clip in clips:
        try:
            results.append(function(clip))
        except Rejected as rejected:
            rejections.append(Rejection(clip, rejected.reason, stage, rejected.detail))
    return results
