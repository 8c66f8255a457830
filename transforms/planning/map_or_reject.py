"""Apply a function to each clip; split the results into clips and rejections."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam

from pipeline.records import Clip, Rejected, Rejection


def map_or_reject(
    clips: beam.PCollection, stage: str, function: Callable[..., Clip], side: Any = None
) -> tuple[beam.PCollection, beam.PCollection]:
    """Apply `function(clip)`, or `function(clip, side)`, to each clip; split the results into clips and rejections."""
    return split_rejections(clips | f"{stage}_each" >> beam.Map(_outcome, stage, function, side), stage)


def split_rejections(outcomes: beam.PCollection, stage: str) -> tuple[beam.PCollection, beam.PCollection]:
    """Split clips and rejections into two collections."""
    clips, rejections = outcomes | f"{stage}_split" >> beam.Partition(_is_rejection, 2)  # type: ignore[arg-type]
    return clips, rejections


class GroupClips(beam.PTransform):
    """(text, clip) -> (text, its clips). Clips are pickled before the shuffle: an engine would pickle each of them again and again."""

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
    except Rejected as rejected:
        return Rejection(clip, rejected.reason, stage, rejected.detail)


def _is_rejection(outcome: Clip | Rejection, n_partitions: int) -> int:
    return int(isinstance(outcome, Rejection))
