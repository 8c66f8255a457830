"""Read what stands in an output folder: the rows and samples that the books of its shards record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline.output.books import SAMPLE, read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import tar_name
from pipeline.output.moved_shards import held_folder, held_shards
from pipeline.output.ownership import retired_shards
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId

COLUMNS = ["key", "status", "url", "start", "end", "duration"]

Excerpt = tuple[str, str, float | None, float | None]
"""Sample key, address, start and end in seconds: equal for a clip that only its dataset's new name moved."""


@dataclass(frozen=True, slots=True)
class StandingShard:
    """The rows of a shard that stands.

    `samples` maps the excerpt of each sample to its duration in seconds, `keys` has the keys of all rows, rejected ones too.
    """

    samples: Mapping[Excerpt, float]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The shards of an output folder that our builds made.

    `made` are those that the plan names, or an earlier plan whose shards are not removed yet; without a plan, those with a marker or books.
    `ours` are those and, without a plan, shards whose marker is damaged: they may be written over, but are never removed. `unreadable` are
    those of `made` with a tar whose books cannot be read. `held` are shards that are held for clips that moved, and were not built yet.
    """

    made: frozenset[ShardId] = frozenset()
    ours: frozenset[ShardId] = frozenset()
    shards: Mapping[ShardId, StandingShard] = field(default_factory=dict)
    unreadable: frozenset[ShardId] = frozenset()
    held: Mapping[ShardId, StandingShard] = field(default_factory=dict)

    def indices(self, dataset: str, split: str) -> dict[str, int]:
        """Return the shard index of every row of a split, by sample key."""
        split_shards = ((shard, each) for shard, each in self.shards.items() if (shard.dataset, shard.split) == (dataset, split))
        return {key: shard.index for shard, each in split_shards for key in each.keys}


def read_standing(snapshot: Snapshot) -> Standing:
    """Return what stands in a folder; reads the books of every shard, several at once."""
    of_plan = {planned.shard for planned in snapshot.plan.shards} | retired_shards(snapshot) if snapshot.plan else None
    with_tar = (shard for shard in snapshot.shards() if tar_name(shard) in snapshot.files)
    read = read_shards(snapshot.folder, (shard for shard in with_tar if of_plan is None or shard in of_plan))
    readable = {shard: each for shard, each in read.items() if each is not None}
    made = frozenset(snapshot.markers.keys() | readable.keys() if of_plan is None else of_plan)
    ours = made | snapshot.unreadable.keys() if of_plan is None else made
    return Standing(made, ours, readable, frozenset(made & read.keys() - readable.keys()), _held(snapshot))


def _held(snapshot: Snapshot) -> dict[ShardId, StandingShard]:
    """Return what the books of the shards that are held record; where plans were interrupted again and again, samples of all of them."""
    held: dict[ShardId, StandingShard] = {}
    for below, shards in held_shards(snapshot.files).items():
        for shard, each in read_shards(held_folder(snapshot.folder, below), shards).items():
            if each is not None:
                others = held.get(shard, StandingShard({}, ()))
                held[shard] = StandingShard({**each.samples, **others.samples}, ())
    return held


def read_shards(folder: Folder, shards: Iterable[ShardId]) -> dict[ShardId, StandingShard | None]:
    """Return what the books of shards record, `None` for books that are missing or damaged; reads several at once."""
    shards = list(shards)
    with ThreadPoolExecutor(N_READERS) as pool:
        return dict(zip(shards, pool.map(lambda shard: _read(folder, shard), shards), strict=True))


def _read(folder: Folder, shard: ShardId) -> StandingShard | None:
    try:
        rows = read_books(folder, shard, COLUMNS).to_pylist()
        samples = {(row["key"], row["url"], row["start"], row["end"]): row["duration"] or 0.0 for row in rows if row["status"] == SAMPLE}
        keys = tuple(row["key"] for row in rows)
    except (DamagedFileError, OSError):
        return None
    return StandingShard(samples, keys)
