"""Apply a function to each clip; split the results into clips and rejections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apache_beam as beam

from pipeline.records import Clip, Rejected, Rejection


def map_or_reject(
    clips: beam.PCollection, stage: str, function: Callable[..., Clip], side_input: Any = None
) -> tuple[beam.PCollection, beam.PCollection]:
    """Apply `function(clip)`, or `function(clip, side_input)`, to each clip; split the results into clips and rejections.

    A clip for which the function raises `Rejected` becomes a rejection at `stage`; other exceptions end the pipeline.
    """
    return split_rejections(clips | f"{stage}_each" >> beam.Map(_clip_or_rejection, stage, function, side_input), stage)


def split_rejections(outcomes: beam.PCollection, stage: str) -> tuple[beam.PCollection, beam.PCollection]:
    """Split a collection of clips and rejections into the clips and the rejections."""
    clips, rejections = outcomes | f"{stage}_split" >> beam.Partition(_is_rejection, 2)  # type: ignore[arg-type]
    return clips, rejections


def _clip_or_rejection(clip: Clip, stage: str, function: Callable[..., Clip], side_input: Any) -> Clip | Rejection:
    try:
        return function(clip) if side_input is None else function(clip, side_input)
    except Rejected as rejected:
        return Rejection(clip, rejected.reason, stage, rejected.detail)


def _is_rejection(outcome: Clip | Rejection, n_partitions: int) -> int:
    return int(isinstance(outcome, Rejection))
