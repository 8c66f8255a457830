"""Group clips by a text key."""

from __future__ import annotations

import pickle
from collections.abc import Iterable

import apache_beam as beam

from pipeline.records import Clip


class GroupClips(beam.PTransform):
    """(text, clip) -> (text, list of its clips), in any order.

    Clips are pickled once, before the shuffle: engines encode an element several times on its way, and bytes are cheap.
    """

    def expand(self, keyed: beam.PCollection) -> beam.PCollection:
        pickled = keyed | "Pickle" >> beam.MapTuple(_pickled).with_output_types(tuple[str, bytes])
        return pickled | "Group" >> beam.GroupByKey() | "Unpickle" >> beam.MapTuple(_unpickled)


def _pickled(key: str, clip: Clip) -> tuple[str, bytes]:
    return key, pickle.dumps(clip, pickle.HIGHEST_PROTOCOL)


def _unpickled(key: str, pickled: Iterable[bytes]) -> tuple[str, list[Clip]]:
    return key, [pickle.loads(data) for data in pickled]
