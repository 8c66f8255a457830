"""Sources -> clips, and a rejection for every row that cannot be understood."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import apache_beam as beam

from pipeline.records import Clip, Reason, Rejection
from sources import SOURCES
from sources.metadata.options import SourceOptions
from transforms.planning.map_or_reject import split_rejections


def read_source(options: SourceOptions, limit: int | None = None) -> Iterator[Clip | Rejection]:
    """Yield the first `limit` rows of a source, or all of them; text that no file can hold is a rejection."""
    return map(storable, itertools.islice(SOURCES[options.source].read(options), limit))


def storable(outcome: Clip | Rejection) -> Clip | Rejection:
    """Return the row, or a rejection for one whose text is not Unicode (half a surrogate pair, a file name in bytes) or holds NUL."""
    clip = outcome if isinstance(outcome, Clip) else outcome.clip
    said = [
        clip.id,
        clip.url,
        clip.recording,
        clip.title,
        clip.license,
        clip.creator,
        *clip.labels,
        *(caption.text for caption in clip.captions),
    ]
    text = "".join(filter(None, said))
    if text.isascii() and "\0" not in text:
        return outcome
    try:
        text.encode()
    except UnicodeEncodeError:
        fault = "text that is not Unicode"
    else:
        if "\0" not in text:
            return outcome
        fault = "a NUL character"
    bare = Clip(clip.source, clip.dataset, clip.split, _escaped(clip.id), _escaped(clip.url), row_number=clip.row_number)
    return Rejection(bare, Reason.BAD_ROW, "read", f"{fault} in {_escaped(clip.id)}")


def _escaped(text: str) -> str:
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


class ReadSources(beam.PTransform):
    """Nothing -> (clips, rejections, rows): `rows` counts what was read, as (dataset, count)."""

    def __init__(self, sources: Sequence[SourceOptions], limit: int | None):
        super().__init__()
        self.sources = sources
        self.limit = limit

    def expand(self, root: beam.Pipeline) -> tuple[beam.PCollection, beam.PCollection, beam.PCollection]:
        outcomes = root | "Sources" >> beam.Create(list(self.sources)) | "Rows" >> beam.FlatMap(read_source, self.limit)
        counts = outcomes | "DatasetOf" >> beam.Map(_dataset) | "CountRows" >> beam.combiners.Count.PerElement()
        return *split_rejections(outcomes, "Read"), counts


def _dataset(outcome: Clip | Rejection) -> str:
    return outcome.dataset if isinstance(outcome, Clip) else outcome.clip.dataset
