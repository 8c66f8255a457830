"""Sounds of all shards are compared, and the file names for each shard those that another shard has first."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam

from pipeline.output.equal_sounds_file import EqualSounds, read_equal_sounds
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from tests.eager import EagerEngine
from tests.outcomes import sample, write_shard
from transforms.shards.find_equal_sounds import FindEqualSounds

SHARDS = [ShardId("Set", "train", 0), ShardId("Set", "train", 1), ShardId("Other", "train", 0)]


def equal_sounds_of(folder: Folder, *shards: ShardId) -> EqualSounds:
    EagerEngine().run(lambda root: root | beam.Create(shards) | FindEqualSounds(folder, "hash"))
    return read_equal_sounds(folder)


def test_equal_sounds_of_a_dataset_stay_in_one_of_its_shards(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    names = ("ab", "cd", "ef")
    for shard, (first, second) in zip(SHARDS, names, strict=True):
        write_shard([sample(first, "same"), sample(second, f"of {second}")], folder, shard)
    stays, leaves = sorted(SHARDS[:2], key=lambda shard: sample("ac"[shard.index]).clip.shard_sort_key)
    assert equal_sounds_of(folder, *SHARDS) == EqualSounds("hash", {leaves: (("same", f"table-{'ac'[stays.index]}"),)})


def test_where_no_sounds_are_equal_a_file_says_so(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    write_shard([sample("a", "one"), sample("b", "two")], folder, SHARDS[0])
    assert equal_sounds_of(folder, SHARDS[0]) == EqualSounds("hash", {})
    assert equal_sounds_of(folder) == EqualSounds("hash", {})
