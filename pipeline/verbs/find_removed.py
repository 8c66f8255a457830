"""Find the rows of a folder that a user asks to remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.failures import UsageError
from pipeline.keys import sample_key
from pipeline.output.plan_files import REJECTIONS, read_left_out, read_values
from pipeline.output.removals_file import Removable, Removals
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.records import ShardId
from pipeline.verbs.removal_request import RemovalRequest, shown

COLUMNS = ("key", "id", "source", "url", "recording", "creator", "start", "end")

Name = tuple[str, str]
"""Dataset and sample key of a clip."""


class Row(NamedTuple):
    """A row of a plan. One that is left out has no shard; neither recording, creator, start nor end, but a detail."""

    dataset: str
    key: str
    id: str
    source: str
    url: str
    recording: str = ""
    creator: str | None = None
    start: float | None = None
    end: float | None = None
    shard: ShardId | None = None
    detail: str = ""

    @property
    def name(self) -> Name:
        """Dataset and sample key."""
        return self.dataset, self.key


@dataclass(frozen=True, slots=True)
class Named:
    """The rows that a request names, and the ids in it that were removed before."""

    rows: list[Row]
    already: list[str]


def planned_rows(snapshot: Snapshot) -> Iterator[Row]:
    """Yield the rows of all shards of a plan; raises as `read_plan_file`."""
    assert snapshot.plan is not None
    folder, shards = snapshot.folder, [planned.shard for planned in snapshot.plan.shards]

    def read(shard: ShardId) -> list[Row]:
        columns = read_values(folder, shard, COLUMNS)
        return [Row(shard.dataset, *values)._replace(shard=shard) for values in columns]

    with ThreadPoolExecutor(1 if folder.is_local else N_READERS) as pool:
        for rows in pool.map(read, shards):
            yield from rows


def left_out_rows(snapshot: Snapshot) -> list[Row]:
    """Return the rows that a plan leaves out; raises as `read_plan_file`."""
    table = read_left_out(snapshot.folder)
    values = zip(*(table[name].to_pylist() for name in REJECTIONS.names), strict=True)
    return [Row(dataset, key, row_id, source, url, detail=detail) for dataset, _, source, row_id, key, url, _, _, detail in values]


def find_named(request: RemovalRequest, rows: Iterable[Row], removals: Removals) -> Named:
    """Return which of all rows of a folder a request names.

    Raises:
        UsageError: it names ids or values that the folder does not have, or an id that clips of several datasets have.
    """
    matches, sources = _Matches(request), set[tuple[str, str]]()
    for row in rows:
        sources.add((row.dataset, row.source))
        if row.key:
            matches.add(row)
    matched, already = matches.by_ids(sources, removals)
    return Named([*matched, *matches.by_values(removals)], already)


@dataclass(frozen=True, slots=True)
class _Matches:
    """The rows that a request names, by the text that names them."""

    request: RemovalRequest
    of_id: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    of_value: dict[tuple[Removable, str], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: Row) -> None:
        """Look at one row."""
        request = self.request
        if request.candidates:
            for text in {row.id, row.key, f"{row.dataset}/{row.id}", f"{row.dataset}/{row.key}"} & request.candidates:
                self.of_id[text].append(row)
        for name in {row.source, row.dataset} & request.sources:
            self.of_value[Removable.SOURCE, name].append(row)
        if row.creator in request.creators:
            self.of_value[Removable.CREATOR, row.creator or ""].append(row)
        if row.url in request.urls:
            self.of_value[Removable.URL, row.url].append(row)
        if row.recording in request.recordings:
            self.of_value[Removable.RECORDING, row.recording].append(row)

    def by_ids(self, sources: Set[tuple[str, str]], removals: Removals) -> tuple[list[Row], list[str]]:
        """Return the rows with one of the ids, and the ids that were removed before."""
        rows, several = list[Row](), list[str]()
        already, unknown = list[str](), list[str]()
        for text in dict.fromkeys(text for given in self.request.ids for text in given.chosen(self.of_id.keys())):
            of_text = self.of_id.get(text, [])
            rows += of_text
            if not of_text:
                (already if _was_removed(text, sources, removals) else unknown).append(text)
            elif len({row.dataset for row in of_text}) > 1 and len({row.url for row in of_text}) > 1:
                several += sorted({f"{row.dataset}/{text}" for row in of_text})
        if unknown:
            raise UsageError(f"no clip of this folder has the id {shown(unknown)}; nothing was changed")
        if several:
            raise UsageError(f"clips of several datasets have these ids; say which are meant: {shown(several)}; nothing was changed")
        return rows, already

    def by_values(self, removals: Removals) -> Iterator[Row]:
        """Yield the rows with one of the other values."""
        for kind, values in self.request.values.items():
            missing = sorted(value for value in values if (kind, value) not in self.of_value and not removals.has(kind, value))
            if missing:
                raise UsageError(f"no clip of this folder has the {kind} {shown(missing)}; nothing was changed")
        for rows in self.of_value.values():
            yield from rows


def _was_removed(text: str, sources: Set[tuple[str, str]], removals: Removals) -> bool:
    """Return whether a text is the id or key, alone or after a dataset, of a clip that was removed."""
    if not removals:
        return False
    for dataset, source in sources:
        for name in (text, text.removeprefix(f"{dataset}/")):
            if any(removals.has(Removable.CLIP, dataset, key) for key in (name, sample_key(source, name))):
                return True
    return False
