"""Make the digests of rows that were read. A later plan finds with them which rows are new, and which rows those have to do with."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

import apache_beam as beam
import numpy as np

from pipeline.output.digest_files import NO_CLIP, RowDigests, by_file, joined, write_digests
from pipeline.output.plan_files import left_out_row
from pipeline.output.storage import Folder
from pipeline.records import Clip, Rejection
from transforms.planning.batches import pack, unpack
from transforms.planning.drop_duplicates import key_of, renamed
from transforms.planning.key_hashes import N_HASH, hash_of, numbers

_VALUES = attrgetter(
    "source", "dataset", "split", "id", "url", "start", "end", "labels", "title", "license", "creator", "recording", "audio_root",
    "text_holds", "file_start", "full_url",
)  # fmt: skip
"""The fields of a clip that decide what is planned, captions and the number of the row apart."""
_CAPTION = attrgetter("text", "origin", "model", "prompt", "before_debias", "debias_rules")

MARSHAL = 2
"""The version of Python's format: later ones depend on which objects are the same, and not only on their values."""


def row_hash(clip: Clip) -> bytes:
    """Return eight bytes that stand for all of a row but its number, the same on every machine."""
    fields = _VALUES(clip), *map(_CAPTION, clip.captions)
    try:  # a tenth of the time of `repr`
        data = marshal.dumps(fields, MARSHAL)
    except ValueError:  # it takes no other types than the builtin ones, such as the text of an enum
        data = repr(fields).encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).digest()[:N_HASH]


def left_out_hash(row: Iterable[str]) -> bytes:
    """Return eight bytes that stand for a row that was rejected when it was read, given as the columns of `REJECTIONS`."""
    return hash_of(repr(tuple(row)))


def digests_of(clips: Sequence[Clip], source: int) -> RowDigests:
    """Return the digests of rows of a source, in their order."""
    others = [hash_of(key_of(renamed(clip))) if clip.full_url else _NONE for clip in clips]
    return RowDigests(
        numbers(map(row_hash, clips)),
        numbers(hash_of(clip.recording) for clip in clips),
        numbers(hash_of(key_of(clip)) for clip in clips),
        numbers(others),
        np.array([clip.row_number for clip in clips], np.int64),
        np.full(len(clips), source, np.uint16),
    )


_NONE = bytes(8)


def digests_of_rejections(rejections: Sequence[Rejection], source: int) -> RowDigests:
    """Return the digests of rows that a source rejected."""
    none = np.zeros(len(rejections), np.uint64)
    hashes = numbers(left_out_hash(left_out_row(rejection).values()) for rejection in rejections)
    return RowDigests(hashes, none, none, none, np.full(len(none), NO_CLIP, np.int64), np.full(len(none), source, np.uint16))


def digests_read(clips: Sequence[Clip], rejections: Sequence[Rejection], source: int) -> Iterator[tuple[int, bytes]]:
    """Yield the digests of one batch of rows of a source by the number of their file."""
    for number, part in by_file(joined([digests_of(clips, source), digests_of_rejections(rejections, source)])).items():
        yield number, pack(part)


class WriteDigests(beam.PTransform):
    """(number of a file, batches of `RowDigests`) -> numbers of the files, which are written below `below`."""

    def __init__(self, folder: Folder, below: str):
        super().__init__()
        self.folder = folder
        self.below = below

    def expand(self, digests: beam.PCollection) -> beam.PCollection:
        return digests | "ByFile" >> beam.GroupByKey() | "WriteFile" >> beam.Map(_write, self.folder, self.below)


def _write(file: tuple[int, Iterable[bytes]], folder: Folder, below: str) -> int:
    number, batches = file
    write_digests(number, joined(map(unpack, batches)), folder, below)
    return number
