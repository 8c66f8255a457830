"""Find clips of a dataset that sound exactly alike, over all its shards, and write which sounds each shard must leave out.

The result is an input of the shards, as their rows are: it is read from the books of all shards, written to the plan's folder,
and part of each shard's inputs hash. Which clip stays depends only on the clips, not on where and when they were built.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

import apache_beam as beam

from pipeline.output.books import read_books
from pipeline.output.equal_sounds_file import write_equal_sounds
from pipeline.output.layout import EQUAL_SOUNDS, PLAN
from pipeline.output.storage import Folder
from pipeline.records import ShardId, shard_sort_key, split_rank

COLUMNS = ["key", "recording", "start", "pcm_sha256"]
N_BUCKETS = 64
"""Groups in which sounds are compared: few, so that each element of a shard of 512 clips holds several sounds."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a clip: the hash of its frames, its shard, its key, and what it is sorted by."""

    pcm_sha256: str
    shard: ShardId
    key: str
    sort_key: str

    @property
    def dataset_and_frames(self) -> tuple[str, str]:
        """The key of equal sounds: sounds of different datasets are not compared."""
        return self.shard.dataset, self.pcm_sha256

    @property
    def rank(self) -> tuple[int, str, str]:
        """The key that decides which of equal sounds stays, the lowest: test before valid before training, then the order in shards."""
        return split_rank(self.shard.split), self.shard.split, self.sort_key


def sounds_left_out(sounds: Iterable[Sound]) -> Iterator[tuple[ShardId, str, str]]:
    """Yield (shard, hash of the frames, key of the clip that stays) for every other shard that has an equal sound.

    >>> a, b = ShardId("D", "test", 0), ShardId("D", "train", 3)
    >>> list(sounds_left_out([Sound("x", b, "b1", "0"), Sound("x", a, "a1", "9"), Sound("y", b, "b2", "1")]))
    [(ShardId(dataset='D', split='train', index=3), 'x', 'a1')]
    """
    for (_, pcm_sha256), group in itertools.groupby(sorted(sounds, key=attrgetter("dataset_and_frames")), attrgetter("dataset_and_frames")):
        equal = list(group)
        stays = min(equal, key=attrgetter("rank"))
        yield from ((shard, pcm_sha256, stays.key) for shard in sorted({sound.shard for sound in equal} - {stays.shard}))


class FindEqualSounds(beam.PTransform):
    """Shards -> `plan/equal_sounds.parquet`, from the books of the shards."""

    def __init__(self, folder: Folder, sounds_sha256: str):
        super().__init__()
        self.folder = folder
        self.sounds_sha256 = sounds_sha256

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        left_out = (
            shards
            | "Spread" >> beam.Reshuffle()
            | "ReadSounds" >> beam.FlatMap(_sounds_by_bucket, self.folder)
            | "Group" >> beam.GroupByKey()
            | "Compare" >> beam.FlatMap(_sounds_left_out)
        )
        once = shards.pipeline | "Once" >> beam.Create([None])
        return once | "Write" >> beam.Map(_write, beam.pvalue.AsIter(left_out), self.folder, self.sounds_sha256)


def sounds_of(folder: Folder, shard: ShardId) -> Iterator[Sound]:
    """Yield the sounds of a shard: those of its samples, and of clips left out because another clip has the same sound."""
    for row in read_books(folder, shard, COLUMNS).to_pylist():
        if row["pcm_sha256"] is not None:
            yield Sound(row["pcm_sha256"], shard, row["key"], shard_sort_key(row["recording"], row["start"], row["key"]))


def _sounds_by_bucket(shard: ShardId, folder: Folder) -> Iterator[tuple[int, list[Sound]]]:
    buckets: dict[int, list[Sound]] = {}
    for sound in sounds_of(folder, shard):
        buckets.setdefault(int(sound.pcm_sha256[:8], 16) % N_BUCKETS, []).append(sound)
    yield from buckets.items()


def _sounds_left_out(bucket: tuple[int, Iterable[list[Sound]]]) -> Iterator[tuple[ShardId, str, str]]:
    return sounds_left_out(itertools.chain.from_iterable(bucket[1]))


def _write(_: None, left_out: Iterable[tuple[ShardId, str, str]], folder: Folder, sounds_sha256: str) -> None:
    with folder.workspace() as work:
        write_equal_sounds(left_out, sounds_sha256, work / EQUAL_SOUNDS)
        folder.publish(work / EQUAL_SOUNDS, f"{PLAN}/{EQUAL_SOUNDS}")
