"""Sources -> clips, and a rejection for every row that cannot be understood."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import apache_beam as beam

from pipeline.records import Clip, Rejection
from sources import SOURCES
from sources.options import SourceOptions
from transforms.sift import apart


def read_source(options: SourceOptions, limit: int | None = None) -> Iterator[Clip | Rejection]:
    """Yield the first `limit` rows of a source, or all of them."""
    return itertools.islice(SOURCES[options.source].read(options), limit)


class ReadSources(beam.PTransform):
    """Nothing -> (clips, rejections, rows): `rows` counts what was read, as (dataset, count)."""

    def __init__(self, sources: Sequence[SourceOptions], limit: int | None):
        super().__init__()
        self.sources = sources
        self.limit = limit

    def expand(self, root: beam.Pipeline) -> tuple[beam.PCollection, beam.PCollection, beam.PCollection]:
        outcomes = root | "Sources" >> beam.Create(list(self.sources)) | "Rows" >> beam.FlatMap(read_source, self.limit)
        counts = outcomes | "DatasetOf" >> beam.Map(_dataset) | "CountRows" >> beam.combiners.Count.PerElement()
        return *apart(outcomes, "Read"), counts


def _dataset(outcome: Clip | Rejection) -> str:
    return outcome.dataset if isinstance(outcome, Clip) else outcome.clip.dataset
