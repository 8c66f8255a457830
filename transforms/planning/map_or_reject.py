"""The manner of every planning step: what goes on, and what is left out with a reason."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
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


class Together(beam.PTransform):
    """(text, clip) -> (text, its clips). Clips travel as bytes, as objects would be unpacked where they only wait."""

    def expand(self, keyed: beam.PCollection) -> beam.PCollection:
        packed = keyed | "Pack" >> beam.MapTuple(_packed).with_output_types(tuple[str, bytes])
        return packed | "Group" >> beam.GroupByKey() | "Unpack" >> beam.MapTuple(_unpacked)


def _packed(key: str, clip: Clip) -> tuple[str, bytes]:
    return key, pickle.dumps(clip, pickle.HIGHEST_PROTOCOL)


def _unpacked(key: str, packed: Iterable[bytes]) -> tuple[str, list[Clip]]:
    return key, [pickle.loads(one) for one in packed]


def _outcome(clip: Clip, stage: str, function: Callable[..., Clip], side: Any) -> Clip | Rejection:
    try:
        return function(clip) if side is None else function(clip, side)
    except Rejected as no:
        return Rejection(clip, no.reason, stage, no.detail)


def _is_rejection(outcome: Clip | Rejection, n_partitions: int) -> int:
    return int(isinstance(outcome, Rejection))
