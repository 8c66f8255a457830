"""Read and write `plan.json`: which shards a plan has, and how many rows it read and left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.output.damage import DamagedFileError
from pipeline.output.json_values import count, field, mapping, table, text
from pipeline.output.layout import INDEX, PLAN, RESERVED_NAMES
from pipeline.output.storage import Folder
from pipeline.records import ShardId

FORMAT = 5
"""The version of the format of output folders: raised when any of their files is read or written in another way."""


class OutputFormatError(ValueError):
    """An output folder was made by another version of this program; the message says what to do."""


class DamagedPlanError(OutputFormatError, DamagedFileError):
    """The plan of an output folder cannot be read."""


class LostRowsError(RuntimeError):
    """An engine returned fewer or more rows than it was given; the message has the numbers."""


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """A shard in the index of a plan: the number of its rows, and their hash."""

    shard: ShardId
    n_rows: int
    rows_sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The content of plan.json.

    `fingerprint` is the hash of the recipe and its tables; `rows_read` counts rows by dataset, `left_out` the rows that are in
    no shard by dataset and reason. `t5` counts by dataset the captions asked of the T5 and those that passed the guard; empty without a T5.
    `removed` is the hash of the removals that the plan honours; empty without any.
    """

    fingerprint: str
    shards: tuple[PlannedShard, ...]
    rows_read: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]]
    t5: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    removed: str = ""

    @property
    def n_clips(self) -> int:
        """Number of rows that are in shards."""
        return sum(planned.n_rows for planned in self.shards)

    @property
    def n_read(self) -> int:
        """Number of rows that were read."""
        return sum(self.rows_read.values())

    @property
    def n_left_out(self) -> int:
        """Number of rows that are in no shard."""
        return sum(sum(reasons.values()) for reasons in self.left_out.values())

    def to_json(self) -> dict[str, Any]:
        """Return the content of plan.json."""
        shards = {planned.shard.name: {"rows": planned.n_rows, "rows_sha256": planned.rows_sha256} for planned in self.shards}
        counts = {"rows_read": dict(self.rows_read), "left_out": {name: dict(reasons) for name, reasons in self.left_out.items()}}
        others = {"t5": self.t5, "removed": self.removed}
        return {"format": FORMAT, "fingerprint": self.fingerprint, **counts, "shards": shards, **{k: v for k, v in others.items() if v}}

    @classmethod
    def from_json(cls, value: Any) -> Plan:
        """Return the plan that `value` was written from.

        Raises:
            ValueError: it is not a plan; the message names the first wrong value.
        """
        shards = (_planned(name, entry) for name, entry in field(value, "shards", mapping).items())
        ordered = tuple(sorted(shards, key=lambda planned: planned.shard))
        rows_read, left_out = field(value, "rows_read", table(count)), field(value, "left_out", table(table(count)))
        t5, removed = table(_t5_counts)(value.get("t5", {}), "t5"), text(value.get("removed", ""), "removed")
        return cls(field(value, "fingerprint", text), ordered, rows_read, left_out, t5, removed)


def _planned(name: str, entry: Any) -> PlannedShard:
    """Return a shard of the index.

    Raises:
        ValueError: it is not one, or its files would be outside of the output folder or among the folder's other files.
    """
    shard, values = ShardId.parse(name), mapping(entry, name)
    if {shard.dataset, shard.split} & {".", ".."} or "\0" in name or shard.dataset.lower() in RESERVED_NAMES:
        raise ValueError(f"no shard may have the name {name!r}")
    return PlannedShard(shard, field(values, "rows", count), field(values, "rows_sha256", text))


def _t5_counts(value: Any, name: str) -> dict[str, Any]:
    """Return the counts of the T5 of one dataset: `clips` and `sets` are [asked, passed], `rules` counts by rule."""
    counts = mapping(value, name)
    for pair in (field(counts, "clips", _counts), field(counts, "sets", _counts)):
        if len(pair) != 2 or pair[1] > pair[0]:
            raise ValueError(f"{name} has {pair}, not [asked, passed]")
    return dict(counts) | {"rules": field(counts, "rules", table(count))}


def _counts(value: Any, name: str) -> list[int]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list")
    return [count(each, name) for each in value]


def read_plan(folder: Folder, below: str = PLAN) -> Plan:
    """Return the plan of a folder.

    Raises:
        FileNotFoundError: it has no plan.
        OutputFormatError: another version of this program wrote it.
        DamagedPlanError: it is damaged.
    """
    name = folder.path(f"{below}/{INDEX}")
    try:
        value = folder.read_json(f"{below}/{INDEX}")
        check_format(value, name)
        return Plan.from_json(value)
    except OutputFormatError:
        raise
    except ValueError as error:
        what = error.what if isinstance(error, DamagedFileError) else str(error)
        raise DamagedPlanError(name, f"it is not a plan ({what})") from error


def check_format(value: Any, name: str) -> None:
    """Check that this version of the program can read a file.

    Raises:
        OutputFormatError: `value`, the content of the file `name`, is of another format.
        ValueError: it names no format.
    """
    given = mapping(value, "the content")
    written = given["schema"] if given.get("format") is None and "schema" in given else given.get("format")
    if not isinstance(written, int) or isinstance(written, bool):
        raise ValueError("it names no format")
    if written != FORMAT:
        raise OutputFormatError(
            f"{name} is of format {written}, written by another version of this program; this version reads format {FORMAT}: "
            "build into an empty folder, or use the version that made this one"
        )
