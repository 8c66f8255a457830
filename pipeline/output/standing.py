"""Read what stands in an output folder: the rows and samples that the books of its shards record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline.output.books import SAMPLE, read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import tar_name
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

    `ours` are all that the plan names or that have a marker or books. `unreadable` are those of them with a tar whose books cannot be read.
    """

    ours: frozenset[ShardId] = frozenset()
    shards: Mapping[ShardId, StandingShard] = field(default_factory=dict)
    unreadable: frozenset[ShardId] = frozenset()

    def indices(self, dataset: str, split: str) -> dict[str, int]:
        """Return the shard index of every row of a split, by sample key."""
        split_shards = ((shard, each) for shard, each in self.shards.items() if (shard.dataset, shard.split) == (dataset, split))
        return {key: shard.index for shard, each in split_shards for key in each.keys}


def read_standing(snapshot: Snapshot) -> Standing:
    """Return what stands in a folder; reads the books of every shard, several at once."""
    planned = {planned.shard for planned in snapshot.plan.shards} if snapshot.plan else set()
    known = planned | snapshot.markers.keys() | snapshot.unreadable.keys()
    read = read_shards(snapshot.folder, (shard for shard in snapshot.shards() if tar_name(shard) in snapshot.files))
    readable = {shard: each for shard, each in read.items() if each is not None}
    return Standing(frozenset(known | readable.keys()), readable, frozenset(known & read.keys() - readable.keys()))


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
