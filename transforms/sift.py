"""The manner of every planning step: what goes on, and what is left out with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apache_beam as beam

from pipeline.records import Clip, Rejected, Rejection


def sift(clips: beam.PCollection, stage: str, function: Callable[..., Clip], side: Any = None) -> tuple[beam.PCollection, beam.PCollection]:
    """Clips -> what `function(clip)`, or `function(clip, side)`, makes of each; apart from it those it refuses, as rejections."""
    return apart(clips | f"{stage}_each" >> beam.Map(_outcome, stage, function, side), stage)


def apart(outcomes: beam.PCollection, stage: str) -> tuple[beam.PCollection, beam.PCollection]:
    """Clips and rejections -> (clips, rejections)."""
    clips, rejections = outcomes | f"{stage}_apart" >> beam.Partition(_is_rejection, 2)  # type: ignore[arg-type]
    return clips, rejections


def _outcome(clip: Clip, stage: str, function: Callable[..., Clip], side: Any) -> Clip | Rejection:
    try:
        return function(clip) if side is None else function(clip, side)
    except Rejected as no:
        return Rejection(clip, no.reason, stage, no.detail)


def _is_rejection(outcome: Clip | Rejection, n_partitions: int) -> int:
    return int(isinstance(outcome, Rejection))
