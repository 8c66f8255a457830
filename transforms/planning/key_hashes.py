"""Find sample keys that several excerpts have, and the shards of keys of the previous plan, by hashes of keys alone.

A key may belong to excerpts of recordings in different partitions, or to another recording than in the previous plan. So keys meet in
buckets of their own: 18 bytes a row, never the row. What a partition has to know comes back as messages to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import apache_beam as beam
import numpy as np

from pipeline.records import Clip, ShardId
from transforms.planning.batches import N_BUCKETS, PREVIOUS, REPEATED, pack, positions_by_value, unpack
from transforms.planning.drop_duplicates import key_of, renamed

N_HASH = 8  # bytes
N_TOGETHER = 50  # shards whose keys are one batch: 25,000 of shards of 512


class PreviousShards(Protocol):
    """The shards of a plan, and the sample keys of each."""

    @property
    def shards(self) -> Sequence[ShardId]:
        """The shards."""

    def __call__(self, shard: ShardId) -> Sequence[str]:
        """Return the sample keys of a shard."""


@dataclass(frozen=True, slots=True)
class KeysRead:
    """Keys of rows that were read: a hash of each key, a hash that differs for different excerpts, and the partition of the row."""

    keys: np.ndarray
    excerpts: np.ndarray
    partitions: np.ndarray


@dataclass(frozen=True, slots=True)
class KeysPlanned:
    """Keys of the previous plan: a hash of each key, a hash of the key with its split, and the index of its shard."""

    keys: np.ndarray
    in_split: np.ndarray
    indices: np.ndarray


def hash_of(text: str) -> bytes:
    """Return eight bytes that stand for a text, the same on every machine."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:N_HASH]


def in_split(dataset: str, split: str, key: str) -> bytes:
    """Return the hash of a sample key with its split."""
    return hash_of(f"{dataset}/{split}/{key}")


def numbers(hashes: Iterable[bytes]) -> np.ndarray:
    """Return hashes as an array of 64-bit numbers."""
    return np.frombuffer(b"".join(hashes), dtype=">u8").astype(np.uint64)


def keys_read(clips: Mapping[int, Iterable[Clip]]) -> Iterator[tuple[int, bytes]]:
    """Yield the keys of clips by bucket: those that they have, and those that `one_per_key` may give them.

    Args:
        clips: those of each partition.
    """
    entries: set[tuple[bytes, bytes, int]] = set()
    for partition, of_partition in clips.items():
        for clip in of_partition:
            excerpt = hash_of(f"{clip.recording}\x1f{clip.url or clip.id}\x1f{clip.full_url}\x1f{clip.start or 0.0}\x1f{clip.end}")
            entries.add((hash_of(key_of(clip)), excerpt, partition))
            if clip.full_url:
                entries.add((hash_of(key_of(renamed(clip))), excerpt, partition))
    if entries:
        keys, excerpts, partitions = zip(*entries, strict=True)
        read = KeysRead(numbers(keys), numbers(excerpts), np.array(partitions, np.uint16))
        yield from _by_bucket(read.keys, lambda at: KeysRead(read.keys[at], read.excerpts[at], read.partitions[at]))


def keys_planned(shards: Iterable[tuple[ShardId, Sequence[str]]]) -> Iterator[tuple[int, bytes]]:
    """Yield the sample keys of planned shards by bucket."""
    keys: list[bytes] = []
    with_split: list[bytes] = []
    indices: list[int] = []
    for shard, names in shards:
        keys += [hash_of(f"{shard.dataset}/{name}") for name in names]
        with_split += [in_split(shard.dataset, shard.split, name) for name in names]
        indices += [shard.index] * len(names)
    planned = KeysPlanned(numbers(keys), numbers(with_split), np.array(indices, np.int64))
    yield from _by_bucket(planned.keys, lambda at: KeysPlanned(planned.keys[at], planned.in_split[at], planned.indices[at]))


def _by_bucket(keys: np.ndarray, part: Callable[[np.ndarray], KeysRead | KeysPlanned]) -> Iterator[tuple[int, bytes]]:
    for bucket, positions in positions_by_value(keys % np.uint64(N_BUCKETS)):
        yield bucket, pack(part(positions))


def messages(bucket: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield by partition what it has to know of the keys of a bucket.

    Messages are `REPEATED`, an array of hashes of keys that different excerpts seem to have; and `PREVIOUS`, an array of hashes of keys
    with their splits and one of the indices of their shards in the previous plan.
    """
    read: list[KeysRead] = []
    planned: list[KeysPlanned] = []
    for data in bucket[1]:
        batch = unpack(data)
        (read if isinstance(batch, KeysRead) else planned).append(batch)
    if not read:
        return
    keys, excerpts, partitions = (np.concatenate([getattr(each, name) for each in read]) for name in ("keys", "excerpts", "partitions"))
    repeated = _with_several(keys, excerpts)
    yield from _repeated(repeated, keys, partitions)
    if planned:
        yield from _previous(planned, keys, partitions)


def _with_several(keys: np.ndarray, excerpts: np.ndarray) -> np.ndarray:
    """Return the keys that stand beside more than one excerpt, sorted."""
    order = np.lexsort((excerpts, keys))
    keys, excerpts = keys[order], excerpts[order]
    differs = (keys[1:] == keys[:-1]) & (excerpts[1:] != excerpts[:-1])
    return np.unique(keys[1:][differs])


def _repeated(repeated: np.ndarray, keys: np.ndarray, partitions: np.ndarray) -> Iterator[tuple[int, bytes]]:
    at = np.flatnonzero(np.isin(keys, repeated))
    for partition, positions in positions_by_value(partitions[at]):
        yield partition, pack(np.unique(keys[at[positions]]), REPEATED)


def _previous(planned: Sequence[KeysPlanned], keys: np.ndarray, partitions: np.ndarray) -> Iterator[tuple[int, bytes]]:
    known = np.concatenate([each.keys for each in planned])
    order = np.argsort(known, kind="stable")
    known = known[order]
    with_split, indices = (np.concatenate([getattr(each, name) for each in planned])[order] for name in ("in_split", "indices"))
    pairs = np.unique(np.stack([partitions.astype(np.uint64), keys]), axis=1)
    first, end = np.searchsorted(known, pairs[1], "left"), np.searchsorted(known, pairs[1], "right")
    counts = end - first
    at = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
    for partition, positions in positions_by_value(np.repeat(pairs[0], counts)):
        chosen = at[positions]
        yield partition, pack((with_split[chosen], indices[chosen]), PREVIOUS)


def indices_in(previous: Iterable[tuple[np.ndarray, np.ndarray]]) -> Mapping[int, int]:
    """Return the index of each shard of the previous plan, by the hash of a key with its split."""
    indices_of_keys: dict[int, int] = {}
    for with_split, indices in previous:
        indices_of_keys.update(zip(with_split.tolist(), indices.tolist(), strict=True))
    return indices_of_keys


class PreviousKeys(beam.PTransform):
    """Pipeline -> the sample keys of the previous plan by bucket. `previous` names its shards, and returns the keys of a shard."""

    def __init__(self, previous: PreviousShards):
        super().__init__()
        self.previous = previous

    def expand(self, root: beam.Pipeline) -> beam.PCollection:
        shards = self.previous.shards
        groups = [shards[at : at + N_TOGETHER] for at in range(0, len(shards), N_TOGETHER)]
        spread = root | "Shards" >> beam.Create(groups, reshuffle=False) | "Spread" >> beam.Reshuffle()
        return spread | "KeysOf" >> beam.FlatMap(_keys_of, self.previous).with_output_types(tuple[int, bytes])


def _keys_of(shards: Sequence[ShardId], previous: PreviousShards) -> Iterator[tuple[int, bytes]]:
    return keys_planned((shard, previous(shard)) for shard in shards)
