"""Clips that a held shard has are copied from it, the latest first, but for those whose recordings were replaced."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.output.moved_shards import hold
from pipeline.output.recordings_file import Recordings
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Provenance, Reason, Sample, ShardId
from pipeline.verbs.moved_clips import find_moved
from tests.outcomes import rejection, sample, write_plan, write_shard
from transforms.fetching.fetch import Fetcher
from transforms.fetching.settings import FetchSettings
from transforms.shards.shard_task import MovedClips

FIRST, SECOND, THIRD = (ShardId("Set", "train", n) for n in range(3))
A, B, C, D = (sample(name) for name in "abcd")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "out"))


def moved(folder: Folder, tmp_path: Path) -> dict[ShardId, MovedClips]:
    fetcher = Fetcher(tmp_path, FetchSettings())
    return dict(find_moved(take_snapshot(folder, needs_plan=False), Recordings(), fetcher))


def held(folder: Folder, **shards: list[Sample]) -> None:
    """Hold the shards `s0`, `s1`, ... with these samples in a folder of their own."""
    made = [ShardId("Set", "train", int(name[1:])) for name in shards]
    for shard, outcomes in zip(made, shards.values(), strict=True):
        write_shard([*outcomes, rejection("d", Reason.SILENT)], folder, shard)
    hold(folder, made, folder.listing())


def keys(*names: str) -> frozenset[str]:
    return frozenset(f"table-{name}" for name in names)


def test_nothing_moves_where_no_shard_is_held_or_no_plan_is_there(folder: Folder, tmp_path: Path) -> None:
    write_shard([A], folder, FIRST)
    write_plan({FIRST: [A.clip]}, folder)
    assert moved(folder, tmp_path) == {}
    held(folder, s0=[A])
    folder.remove("plan/plan.json")
    assert moved(folder, tmp_path) == {}


def test_samples_are_copied_to_the_shards_that_have_their_keys(folder: Folder, tmp_path: Path) -> None:
    held(folder, s0=[A, B], s1=[C])
    write_plan({FIRST: [A.clip, C.clip, D.clip], SECOND: [B.clip], THIRD: [D.clip]}, folder)
    assert moved(folder, tmp_path) == {
        FIRST: ((".moved/0", FIRST, keys("a")), (".moved/0", SECOND, keys("c"))),
        SECOND: ((".moved/0", FIRST, keys("b")),),
    }


def test_the_latest_folder_comes_first_and_then_the_shards_in_order(folder: Folder, tmp_path: Path) -> None:
    for number in range(11):
        held(folder, **({"s1": [A, B], "s0": [C]} if number in {2, 10} else {"s2": [D]}))
    write_plan({FIRST: [A.clip, B.clip, C.clip]}, folder)
    assert moved(folder, tmp_path)[FIRST] == (
        (".moved/10", FIRST, keys("c")),
        (".moved/10", SECOND, keys("a", "b")),
        (".moved/2", FIRST, keys("c")),
        (".moved/2", SECOND, keys("a", "b")),
    )


def test_held_books_that_cannot_be_read_give_no_clips(folder: Folder, tmp_path: Path) -> None:
    held(folder, s0=[A], s1=[B])
    folder.write(".moved/0/Set/train/0.parquet", b"x")
    write_plan({FIRST: [A.clip, B.clip]}, folder)
    assert moved(folder, tmp_path) == {FIRST: ((".moved/0", SECOND, keys("b")),)}


def test_clips_whose_recordings_were_replaced_are_not_copied(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"new")
    (tmp_path / "b.wav").write_bytes(b"old")
    provenance = Provenance(sha256=sha256(b"old").hexdigest())
    held(folder, s0=[replace(each, provenance=provenance) for each in (A, B)])
    write_plan({FIRST: [A.clip, B.clip]}, folder)
    assert moved(folder, tmp_path) == {FIRST: ((".moved/0", FIRST, keys("b")),)}
