"""Read clips from sources; reject rows that cannot be read."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import apache_beam as beam

from pipeline.masking import mask_address, mask_text, may_hold_secret
from pipeline.output.plan_files import left_out_bytes
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Rejection
from sources import SOURCES
from sources.metadata.options import SourceOptions
from transforms.planning.batches import pack, partition_of, unpack
from transforms.planning.key_hashes import keys_read
from transforms.planning.row_digests import digests_read

MAX_ROWS = 20_000
"""Rows of a source that a worker holds until they are divided by partition: 30 MB as objects, and 40 rows a batch."""
CLIPS, KEYS, LEFT_OUT, COUNTS, DIGESTS = "clips", "keys", "left_out", "counts", "digests"

Element = tuple[str, Any]
"""The name of a collection, and an element of it."""


def read_source(options: SourceOptions, limit: int | None = None) -> Iterator[Clip | Rejection]:
    """Yield the first `limit` rows of a source, or all of them, as clips and rejections."""
    return map(masked_row, map(storable, itertools.islice(SOURCES[options.source].read(options), limit)))


def masked_row(outcome: Clip | Rejection) -> Clip | Rejection:
    """Return the row with the addresses in it masked, text apart; a clip holds its full address apart, for the build."""
    if isinstance(outcome, Rejection):
        return replace(outcome, clip=_masked(outcome.clip), detail=mask_text(outcome.detail))
    masked = _masked(outcome)
    return replace(masked, full_url=outcome.url) if masked.url != outcome.url else masked


def _masked(clip: Clip) -> Clip:
    """Return a clip without secrets; the clip itself where it has none, as most have: a copy costs more than all checks."""
    if not may_hold_secret(clip.id, clip.url, clip.recording, clip.title, clip.license, clip.creator):
        return clip
    addresses = {name: mask_address(value) for name, value in (("id", clip.id), ("url", clip.url), ("recording", clip.recording))}
    texts = {"title": clip.title, "license": clip.license, "creator": clip.creator}
    masked: dict[str, Any] = addresses | {name: value and mask_text(value) for name, value in texts.items()}
    return replace(clip, **masked) if any(getattr(clip, name) != value for name, value in masked.items()) else clip


def storable(outcome: Clip | Rejection) -> Clip | Rejection:
    """Return the row, or a rejection where its text cannot be stored.

    Parquet and JSON store neither text that is not Unicode (half a surrogate pair, or a file name that is not UTF-8) nor NUL.
    """
    clip = outcome if isinstance(outcome, Clip) else outcome.clip
    texts = [
        clip.id,
        clip.url,
        clip.recording,
        clip.title,
        clip.license,
        clip.creator,
        *clip.labels,
        *(caption.text for caption in clip.captions),
    ]
    text = "".join(filter(None, texts))
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


def batches_of(options: SourceOptions, limit: int | None, max_rows: int = MAX_ROWS, source: int = 0) -> Iterator[list[Element]]:
    """Read a source as `read_source`; yield the elements of at most `max_rows` rows at a time, and last those of none: their counts.

    Args:
        source: the number of the source in the recipe.
    """
    rows = read_source(options, limit)
    counts: Counter[str] = Counter()
    while batch := list(itertools.islice(rows, max_rows)):
        yield list(divided(batch, counts, source))
    yield [(COUNTS, dict(counts))]


def read_in_batches(options: SourceOptions, limit: int | None, max_rows: int = MAX_ROWS, source: int = 0) -> Iterator[Element]:
    """Yield the elements of a source, see `batches_of`."""
    return itertools.chain.from_iterable(batches_of(options, limit, max_rows, source))


def _numbered(source: tuple[int, SourceOptions], limit: int | None) -> Iterator[Element]:
    number, options = source
    return read_in_batches(options, limit, source=number)


def divided(rows: Iterable[Clip | Rejection], counts: Counter[str], source: int = 0) -> Iterator[Element]:
    """Yield one batch of rows as elements: clips by partition, keys by bucket, digests by file, rejections; add the rows to `counts`."""
    by_partition: dict[int, list[Clip]] = defaultdict(list)
    clips, rejections = list[Clip](), list[Rejection]()
    for row in rows:
        if isinstance(row, Clip):
            counts[row.dataset] += 1
            clips.append(row)
            by_partition[partition_of(row.recording)].append(row)
        else:
            counts[row.clip.dataset] += 1
            rejections.append(row)
    for partition, members in by_partition.items():
        yield CLIPS, (partition, pack(members))
    for element in keys_read(by_partition):
        yield KEYS, element
    for element in digests_read(clips, rejections, source):
        yield DIGESTS, element
    if rejections:
        yield LEFT_OUT, left_out_bytes(rejections)


class ReadRows(NamedTuple):
    """What a pipeline reads of sources: clips by partition, keys by bucket, tables of rejections, rows by dataset, digests by file."""

    clips: beam.PCollection
    keys: beam.PCollection
    left_out: beam.PCollection
    counts: beam.PCollection
    digests: beam.PCollection


class ReadSources(beam.PTransform):
    """Pipeline -> `ReadRows`."""

    def __init__(self, sources: Sequence[SourceOptions], limit: int | None):
        super().__init__()
        self.sources = sources
        self.limit = limit

    def expand(self, root: beam.Pipeline) -> Any:  # a NamedTuple of outputs, of which Beam would warn
        sources = root | "Sources" >> beam.Create(list(enumerate(self.sources)))
        return by_kind(sources | "Rows" >> beam.FlatMap(_numbered, self.limit))


def write_rows(sources: Iterable[SourceOptions], limit: int | None, folder: Folder, below: str) -> list[str]:
    """Read sources in this process; write their rows for `ReadFiles`, a batch a file, and return the names of the files."""
    names: list[str] = []
    for number, options in enumerate(sources):
        for batch in batches_of(options, limit, source=number):
            names.append(f"{below}/{len(names):05d}")
            folder.write(names[-1], pack(batch))
    return names


class ReadFiles(beam.PTransform):
    """Pipeline -> `ReadRows`, from files that `write_rows` wrote: workers open nothing but the output folder."""

    def __init__(self, folder: Folder, names: Sequence[str]):
        super().__init__()
        self.folder = folder
        self.names = names

    def expand(self, root: beam.Pipeline) -> Any:  # as ReadSources
        names = root | "Files" >> beam.Create(list(self.names), reshuffle=False) | "Spread" >> beam.Reshuffle()
        return by_kind(names | "Rows" >> beam.FlatMap(_elements_in, self.folder))


def _elements_in(name: str, folder: Folder) -> Iterator[Element]:
    yield from unpack(folder.read(name))


def by_kind(elements: beam.PCollection) -> ReadRows:
    """Divide what `read_in_batches` yields."""
    kinds = elements | "Kind" >> beam.ParDo(_Divide()).with_outputs(KEYS, LEFT_OUT, COUNTS, DIGESTS, main=CLIPS)
    return ReadRows(kinds[CLIPS], kinds[KEYS], kinds[LEFT_OUT], kinds[COUNTS], kinds[DIGESTS])


@beam.typehints.with_output_types(tuple[int, bytes])
class _Divide(beam.DoFn):
    def process(self, element: Element) -> Iterator[Any]:
        kind, value = element
        yield value if kind == CLIPS else beam.pvalue.TaggedOutput(kind, value)
