"""Read and write `plan/shared_recordings.json`: how many recordings two splits share. It is for people; no shard depends on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.output.json_values import count, field, mapping, text
from pipeline.output.layout import PLAN, SHARED
from pipeline.output.storage import Folder


@dataclass(frozen=True, slots=True)
class SharedRecordings:
    """Two splits, as `dataset/split`, and how many recordings have clips in both: of all that were read, and of those that are planned."""

    first: str
    second: str
    n_read: int
    n_planned: int


def write_shared(folder: Folder, shared: Sequence[SharedRecordings], below: str = PLAN) -> None:
    """Write the list of a plan."""
    folder.write_json(f"{below}/{SHARED}", [dataclasses.asdict(each) for each in shared])


def read_shared(folder: Folder) -> tuple[SharedRecordings, ...] | None:
    """Return the list of a plan; `None` where the plan has none, or a damaged one."""
    try:
        value = folder.read_json(f"{PLAN}/{SHARED}")
        rows = [mapping(row, SHARED) for row in (value if isinstance(value, list) else [value])]
        return tuple(
            SharedRecordings(
                field(row, "first", text), field(row, "second", text), field(row, "n_read", count), field(row, "n_planned", count)
            )
            for row in rows
        )
    except (FileNotFoundError, ValueError, TypeError):
        return None
