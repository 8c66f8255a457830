"""Choose the samples that the report shows: from every dataset about as many, by the hash of shard and key, so the same each time."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline.keys import stable_hash
from pipeline.output.books import SAMPLE, read_outcomes
from pipeline.output.damage import DamagedFileError
from pipeline.output.markers import Marker
from pipeline.output.storage import Folder
from pipeline.records import ShardId

N_SAMPLES = 30
BLOCK = 512  # bytes: a tar pads each member to a multiple of it, and puts a header of as many before it
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ChosenSample:
    """A sample that is shown: its shard, its row in the books, and where its FLAC begins in the tar, in bytes."""

    shard: ShardId
    row: Mapping[str, Any]
    at: int


def choose(folder: Folder, markers: Mapping[ShardId, Marker], limit: int = N_SAMPLES) -> list[ChosenSample]:
    """Return samples of the shards that are built, in order of shard and tar. Shards whose books cannot be read have none."""
    by_dataset: dict[str, dict[ShardId, int]] = {}
    for shard in sorted(markers, key=lambda shard: stable_hash(shard.name)):
        by_dataset.setdefault(shard.dataset, {})[shard] = markers[shard].n_samples
    of_datasets = distribute(limit, {name: sum(shards.values()) for name, shards in sorted(by_dataset.items())})
    chosen = []
    for dataset, n_samples in of_datasets.items():
        for shard, n_of_shard in distribute(n_samples, by_dataset[dataset]).items():
            samples = sorted(_samples(folder, shard), key=lambda sample: stable_hash(sample.row["key"]))
            chosen.extend(samples[:n_of_shard])
    return sorted(chosen, key=lambda sample: (sample.shard, sample.at))


def distribute(limit: int, sizes: Mapping[Name, int]) -> dict[Name, int]:
    """Return how many to take of each, as equal as their sizes allow; where there are fewer than their number, the first get one.

    >>> distribute(7, {"a": 1, "b": 10, "c": 3}), distribute(1, {"a": 5, "b": 5})
    ({'a': 1, 'b': 3, 'c': 3}, {'a': 1})
    """
    taken = dict.fromkeys(sizes, 0)
    while limit > 0 and (waiting := [name for name in sizes if taken[name] < sizes[name]]):
        each = max(1, limit // len(waiting))
        for name in waiting[:limit]:
            more = min(each, sizes[name] - taken[name], limit)
            taken[name], limit = taken[name] + more, limit - more
    return {name: count for name, count in taken.items() if count}


def _samples(folder: Folder, shard: ShardId) -> list[ChosenSample]:
    try:
        return list(located(shard, read_outcomes(folder, shard)))
    except (DamagedFileError, FileNotFoundError):
        return []


def located(shard: ShardId, rows: Iterable[Mapping[str, Any]]) -> Iterable[ChosenSample]:
    """Yield the samples of a shard with the place of their FLAC: a tar holds KEY.flac and KEY.json of each, in the order of the books."""
    at = 0
    for row in rows:
        if row["status"] == SAMPLE:
            yield ChosenSample(shard, row, at + BLOCK)
            at += 2 * BLOCK + _padded(row["flac_bytes"]) + _padded(row["json_bytes"] or 0)


def _padded(n_bytes: int) -> int:
    return -(-n_bytes // BLOCK) * BLOCK
