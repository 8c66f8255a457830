"""Read and write `removed.parquet`: what was removed, why and when. It holds hashes alone, so that what was removed is named nowhere."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.keys import stable_hash
from pipeline.output.columns import cells, columns, record_from
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import REMOVED, REMOVING
from pipeline.output.parquet_files import read_table
from pipeline.output.storage import Folder

N_HASH = 32  # hexadecimal digits: 128 bits, so that no two of millions of values have the same


class Removable(enum.StrEnum):
    """What a removal names."""

    CLIP = "clip"  # dataset and sample key
    EXCERPT = "excerpt"  # of a recording, whatever dataset and id a row gives it
    RECORDING = "recording"
    CREATOR = "creator"
    SOURCE = "source"  # or dataset
    URL = "url"


def removal_hash(kind: Removable, *values: str) -> str:
    """Return the hash that stands for what is removed."""
    return stable_hash(kind, *values)[:N_HASH]


@dataclass(frozen=True, slots=True)
class Removal:
    """A row of the file: the hash of what was removed, when (UTC, as "2026-11-28T13:00:00Z"), and the words of the user about why."""

    kind: Removable
    sha256: str
    removed_at: str
    why: str


SCHEMA = pa.schema(columns(Removal))


@dataclass(frozen=True)
class Removals:
    """The hashes of all that was removed from a folder, by kind."""

    hashes: Mapping[Removable, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Removal]) -> Removals:
        """Return the removals of the rows of a file."""
        by_kind: dict[Removable, set[str]] = {}
        for row in rows:
            by_kind.setdefault(row.kind, set()).add(row.sha256)
        return cls({kind: frozenset(hashes) for kind, hashes in by_kind.items()})

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def has(self, kind: Removable, *values: str) -> bool:
        """Return whether something is removed."""
        return kind in self.hashes and removal_hash(kind, *values) in self.hashes[kind]

    @cached_property
    def sha256(self) -> str:
        """A hash of all removals, without why and when; empty where there are none."""
        return stable_hash(*(f"{kind} {each}" for kind in sorted(self.hashes) for each in sorted(self.hashes[kind]))) if self else ""


def read_removals(folder: Folder) -> Removals:
    """Return what was removed from a folder, or is being removed; raises as `removal_rows`."""
    return Removals.of(removal_rows(folder, REMOVING) or removal_rows(folder, REMOVED))


def removal_rows(folder: Folder, name: str) -> tuple[Removal, ...]:
    """Return the rows of a file of removals; none where there is no such file.

    Raises:
        DamagedFileError: the file is damaged. No plan may be made then: it would bring back what was removed.
    """
    try:
        rows = read_table(folder, name, SCHEMA, required=SCHEMA.names).to_pylist()
        return tuple(record_from(Removal, row) for row in rows)
    except FileNotFoundError:
        return ()
    except ValueError as error:
        if isinstance(error, DamagedFileError):
            raise
        raise DamagedFileError(name, str(error)) from error


def write_removals(rows: Iterable[Removal], folder: Folder, name: str) -> None:
    """Write rows in their order."""
    with folder.workspace() as work:
        pq.write_table(pa.Table.from_pylist(list(map(cells, rows)), SCHEMA), work / "removals.parquet", compression="zstd")
        folder.publish(work / "removals.parquet", name)
