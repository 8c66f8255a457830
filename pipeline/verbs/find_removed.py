"""Find the clips of a folder that a user asks to remove, with all that is the same clip: rows of its excerpt, and equal sounds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from pipeline.failures import UsageError
from pipeline.keys import sample_key
from pipeline.output.books import read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.plan_files import REJECTIONS, read_left_out, read_values
from pipeline.output.removals_file import Removable, Removals
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.records import Reason, ShardId
from pipeline.verbs.removal_request import RemovalRequest, shown
from transforms.planning.leave_out_removed import ADDED_TO, SAME_EXCERPT

COLUMNS = ("key", "id", "source", "url", "recording", "creator")
SAME_SOUND = re.compile(r"same sound as ([a-z0-9_-]+)")
"""The detail of a row of the books that has the sound of the clip of this key, see `build_shards.py`."""

Name = tuple[str, str]
"""Dataset and sample key of a clip."""
Result = TypeVar("Result")


class Row(NamedTuple):
    """A row of a plan: of a shard, or left out (`shard` is `None`), which has neither recording nor creator, but a detail."""

    dataset: str
    key: str
    id: str
    source: str
    url: str
    recording: str = ""
    creator: str | None = None
    shard: ShardId | None = None
    detail: str = ""

    @property
    def name(self) -> Name:
        """Dataset and sample key."""
        return self.dataset, self.key


@dataclass
class Found:
    """What is removed: clips of shards by name, and rows that are left out; `because` says why a clip is among them that nobody named.

    `already` are ids that were removed before.
    """

    clips: dict[Name, Row] = field(default_factory=dict)
    left_out: dict[Name, Row] = field(default_factory=dict)
    because: dict[Name, str] = field(default_factory=dict)
    already: list[str] = field(default_factory=list)


def find_removed(request: RemovalRequest, snapshot: Snapshot, removals: Removals) -> Found:
    """Return what a request removes from a folder.

    Raises:
        UsageError: it names ids or values that the folder does not have, or an id of several datasets.
        DamagedFileError, FileNotFoundError: a file of the plan is damaged or missing.
    """
    left_out = list(_left_out(snapshot))
    matches = _Matches(request)
    sources = set[tuple[str, str]]()
    for row in _planned(snapshot):
        matches.add(row)
        sources.add((row.dataset, row.source))
    for row in left_out:
        matches.add(row)
        sources.add((row.dataset, row.source))
    found = Found()
    named = matches.chosen(found, sources, removals)
    _check_joined(named, _close(found, named, left_out, snapshot))
    return found


def _planned(snapshot: Snapshot) -> Iterator[Row]:
    """Yield the rows of all shards."""
    for shard, values in _of_shards(snapshot, COLUMNS):
        for key, row_id, source, url, recording, creator in values:
            yield Row(shard.dataset, key, row_id, source, url, recording, creator, shard)


def _of_shards(snapshot: Snapshot, names: tuple[str, ...]) -> Iterator[tuple[ShardId, list[tuple]]]:
    """Yield some columns of each planned shard."""
    assert snapshot.plan is not None
    shards = [planned.shard for planned in snapshot.plan.shards]
    with ThreadPoolExecutor(1 if snapshot.folder.is_local else N_READERS) as pool:
        yield from zip(shards, pool.map(lambda shard: list(read_values(snapshot.folder, shard, names)), shards), strict=True)


def _left_out(snapshot: Snapshot) -> Iterator[Row]:
    """Yield the rows that are left out of the plan."""
    table = read_left_out(snapshot.folder)
    for dataset, _, source, row_id, key, url, _, _, detail in zip(*(table[name].to_pylist() for name in REJECTIONS.names), strict=True):
        yield Row(dataset, key or "", row_id or "", source or "", url or "", detail=detail or "")


class _Matches:
    """The rows that a request names, by the value that names them."""

    def __init__(self, request: RemovalRequest):
        self.request = request
        self.wanted = frozenset(text for given in request.ids for text in given.candidates() if text)
        self.by_id: dict[str, list[Row]] = defaultdict(list)
        self.by_value: dict[tuple[Removable, str], list[Row]] = defaultdict(list)

    def add(self, row: Row) -> None:
        """Look at one row."""
        if self.wanted and row.key:
            for text in {row.id, row.key, f"{row.dataset}/{row.id}", f"{row.dataset}/{row.key}"} & self.wanted:
                self.by_id[text].append(row)
        request = self.request
        if row.creator in request.creators:
            self.by_value[Removable.CREATOR, row.creator or ""].append(row)
        for name in {row.source, row.dataset} & request.sources if row.key else ():
            self.by_value[Removable.SOURCE, name].append(row)
        if row.url in request.urls:
            self.by_value[Removable.URL, row.url].append(row)
        if row.recording in request.recordings:
            self.by_value[Removable.RECORDING, row.recording].append(row)

    def chosen(self, found: Found, sources: Set[tuple[str, str]], removals: Removals) -> list[Row]:
        """Return the rows that are meant; note the ids that were removed before."""
        rows, unknown, several = [], [], []
        for text in dict.fromkeys(text for given in self.request.ids for text in given.chosen(self.by_id.keys())):
            of_text = self.by_id.get(text, [])
            rows += of_text
            if not of_text:
                (found.already if _was_removed(text, sources, removals) else unknown).append(text)
            elif len({row.dataset for row in of_text}) > 1 and len({row.url for row in of_text}) > 1:
                several += sorted({f"{row.dataset}/{text}" for row in of_text})
        if unknown:
            raise UsageError(f"no clip of this folder has the id {shown(unknown)}; nothing was changed")
        if several:
            raise UsageError(f"ids that clips of several datasets have; say which are meant: {shown(several)}; nothing was changed")
        for kind, values in _values_of(self.request).items():
            missing = sorted(value for value in values if (kind, value) not in self.by_value and not removals.has(kind, value))
            if missing:
                raise UsageError(f"no clip of this folder has the {kind} {shown(missing)}; nothing was changed")
        return [*rows, *(row for of_value in self.by_value.values() for row in of_value)]


def _values_of(request: RemovalRequest) -> Mapping[Removable, frozenset[str]]:
    """Return what a request names besides ids."""
    return {
        Removable.CREATOR: request.creators,
        Removable.SOURCE: request.sources,
        Removable.URL: request.urls,
        Removable.RECORDING: request.recordings,
    }


def _was_removed(text: str, sources: Set[tuple[str, str]], removals: Removals) -> bool:
    """Return whether a text is the id or key, alone or after a dataset, of a clip that was removed."""
    if not removals:
        return False
    for dataset, source in sources:
        for name in (text, text.removeprefix(f"{dataset}/")):
            if any(removals.has(Removable.CLIP, dataset, key) for key in (name, sample_key(source, name))):
                return True
    return False


def _close(found: Found, named: Iterable[Row], left_out: list[Row], snapshot: Snapshot) -> set[Name]:
    """Add to `found` the named rows and all that are the same clip; return the names of the clips."""
    names = set[Name]()
    for row in named:
        if row.shard is not None:
            found.clips[row.name] = row
            names.add(row.name)
            continue
        found.left_out[row.name] = row
        if (same := SAME_EXCERPT.match(row.detail)) is not None:
            names.add((row.dataset, same[1]))
            found.because.setdefault((row.dataset, same[1]), "the same excerpt")
    edges, waiting = _equal_sounds(snapshot) if names else {}, list(names)
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in names:
                names.add(other)
                waiting.append(other)
                found.because[other] = "the same sound"
    repeats = {}
    for row in left_out:
        same = SAME_EXCERPT.match(row.detail)
        if row.key and same is not None and (row.dataset, same[1]) in names:
            repeats[row.name] = row
    missing = names - found.clips.keys()
    others = missing | repeats.keys() - found.clips.keys()
    planned = {row.name: row for row in _planned(snapshot) if row.name in others} if others else {}
    found.clips |= {name: row for name, row in planned.items() if name in names}
    found.left_out |= {name: row for name, row in repeats.items() if name not in planned}  # else its id is also that of another clip
    return names


def _equal_sounds(snapshot: Snapshot) -> Mapping[Name, set[Name]]:
    """Return the clips that sound exactly alike, of those that the books leave out and those that they leave them out for."""
    edges: dict[Name, set[Name]] = defaultdict(set)
    shards = [shard for shard, marker in snapshot.markers.items() if Reason.DUPLICATE in marker.reasons]

    def read(shard: ShardId) -> list[dict[str, str]]:
        try:
            return read_books(snapshot.folder, shard, ["key", "reason", "detail"]).to_pylist()
        except (DamagedFileError, FileNotFoundError):
            return []

    with ThreadPoolExecutor(1 if snapshot.folder.is_local else N_READERS) as pool:
        for shard, rows in zip(shards, pool.map(read, shards), strict=True):
            for row in rows:
                same = SAME_SOUND.match(row["detail"] or "") if row["reason"] == Reason.DUPLICATE else None
                if same is not None:
                    edges[shard.dataset, row["key"]].add((shard.dataset, same[1]))
                    edges[shard.dataset, same[1]].add((shard.dataset, row["key"]))
    return edges


def _check_joined(named: Iterable[Row], names: Set[Name]) -> None:
    """Refuse rows of caption tables whose captions other clips have, unless all of these are removed too: they would keep the text."""
    keys = {key for _, key in names}
    for row in named:
        if row.detail.startswith(ADDED_TO) and not set(row.detail.removeprefix(ADDED_TO).split(", ")) <= keys:
            raise UsageError(
                f"{row.dataset}/{row.id} is a row of a caption table, and {row.detail}; remove these clips, or take the row out of its "
                "table, and build again; nothing was changed"
            )
