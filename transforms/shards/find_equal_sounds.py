"""Find equal sounds over the books of all shards, and write which sounds each shard must leave out.

The result is an input of the shards, as their rows are: it is written to the plan's folder, and the sounds of a shard are part of
the hash of the shard's inputs.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator

import apache_beam as beam

from pipeline.output.storage import Folder
from pipeline.records import ShardId
from transforms.shards.equal_sounds import Sound, sounds_left_out, sounds_of, write_left_out

N_BUCKETS = 64
"""Groups in which sounds are compared: few, so that each element of a shard of 512 clips holds several sounds."""


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


def _sounds_by_bucket(shard: ShardId, folder: Folder) -> Iterator[tuple[int, list[Sound]]]:
    buckets: dict[int, list[Sound]] = {}
    for sound in sounds_of(folder, shard):
        buckets.setdefault(zlib.crc32(sound.pcm_sha256.encode()) % N_BUCKETS, []).append(sound)
    yield from buckets.items()


def _sounds_left_out(bucket: tuple[int, Iterable[list[Sound]]]) -> Iterator[tuple[ShardId, str, str]]:
    return sounds_left_out(itertools.chain.from_iterable(bucket[1]))


def _write(_: None, left_out: Iterable[tuple[ShardId, str, str]], folder: Folder, sounds_sha256: str) -> None:
    write_left_out(left_out, folder, sounds_sha256)
