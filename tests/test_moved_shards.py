"""Shards whose clips move are held until the new shards are built, through any number of interrupted plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.moved_shards import held_folder, held_shards, hold, is_held, release
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from tests.outcomes import sample, write_shard

FIRST, SECOND = ShardId("Set", "train", 0), ShardId("Set", "train", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    write_shard([sample("a")], folder, FIRST)
    write_shard([sample("b")], folder, SECOND)
    return folder


def test_a_held_shard_is_read_like_one_that_stands_also_after_that_was_replaced(folder: Folder) -> None:
    before = folder.read("Set/train/1.tar")
    hold(folder, [SECOND], folder.listing())
    write_shard([sample("c")], folder, SECOND)
    assert held_shards(folder.listing()) == {".moved/0": [SECOND]}
    held = held_folder(folder, ".moved/0")
    assert held.names() == ["Set/train/1.parquet", "Set/train/1.tar", "Set/train/1_stats.json"]
    assert held.read("Set/train/1.tar") == before != folder.read("Set/train/1.tar")


def test_holding_takes_no_space_on_a_disk(folder: Folder, tmp_path: Path) -> None:
    hold(folder, [FIRST], folder.listing())
    assert (tmp_path / ".moved/0/Set/train/0.tar").samefile(tmp_path / "Set/train/0.tar")


def test_each_plan_holds_in_a_folder_of_its_own_and_the_latest_counts_first(folder: Folder) -> None:
    for number in range(11):
        hold(folder, [FIRST, SECOND][: 1 + number % 2], folder.listing())
    held = held_shards(folder.listing())
    assert list(held) == [f".moved/{number}" for number in range(10, -1, -1)]
    assert (held[".moved/10"], held[".moved/9"]) == ([FIRST], [FIRST, SECOND])


def test_files_that_are_missing_are_not_held(folder: Folder) -> None:
    folder.remove("Set/train/0_stats.json")
    hold(folder, [FIRST], folder.listing())
    assert held_folder(folder, ".moved/0").names() == ["Set/train/0.parquet", "Set/train/0.tar"]


def test_released_shards_are_gone_and_nothing_else(folder: Folder, tmp_path: Path) -> None:
    before = folder.names()
    hold(folder, [FIRST], folder.listing())
    release(folder, folder.listing())
    assert folder.names() == before and not (tmp_path / ".moved").exists()
    folder.write(".moved/notes.txt", b"not ours")
    release(folder, folder.listing())
    assert folder.read(".moved/notes.txt") == b"not ours"


def test_names_of_held_files() -> None:
    assert is_held(".moved/0/Set/train/0.tar")
    assert not is_held(".moved/notes.txt") and not is_held("Set/train/0.tar") and not is_held(".moved-2/0/x")
