"""Progress is read from the output folder: shards by their markers, clips of unfinished shards by their reports."""

from __future__ import annotations

import collections
import json
from pathlib import Path

import pytest

from pipeline.output.layout import PROGRESS, WORK, marker_name
from pipeline.output.markers import FileFacts, Marker
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.report.progress import BuildProgress, Follower, Observer, in_words
from pipeline.verbs.status import snapshot_of
from tests.fates import build_into, make_fates
from transforms.shards.shard_task import ShardTask

TASKS = [ShardTask(ShardId("A", "train", n), "rows", f"from-{n}", 10) for n in range(2)]


def publish(folder: Folder, task: ShardTask, inputs_sha256: str) -> None:
    facts = FileFacts(1, "x")
    marker = Marker(task.shard, "rows", inputs_sha256, "sounds", 10, 8, 2, {"silent": 2}, 1.0, facts, facts, {}, {})
    folder.write_json(marker_name(task.shard), marker.to_json())


def report(folder: Folder, name: str, shard: str, done: int) -> None:
    path = Path(folder.path(f"{WORK}/{name}/{PROGRESS}"))
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"shard": shard, "done": done, "reasons": {"timeout": 1}, "seconds": 2.5}))


def test_done_and_unfinished_shards_are_added_up(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    observer = Observer(take_snapshot(folder), TASKS)
    assert observer.look() == BuildProgress(0, 0)
    publish(folder, TASKS[0], "from-0")
    report(folder, "w", "A/train/1", 4)
    assert observer.look() == BuildProgress(1, 14, 3.5, collections.Counter({"silent": 2, "timeout": 1}))
    report(folder, "late", "A/train/0", 9)  # a shard counts once, by its marker
    assert observer.look().clips == 14


def test_a_marker_of_an_earlier_build_is_not_progress(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    publish(folder, TASKS[0], "something older")
    assert Observer(take_snapshot(folder), TASKS).look().shards == 0


def test_a_replaced_marker_of_an_earlier_build_is_progress(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    publish(folder, TASKS[0], "something older")
    observer = Observer(take_snapshot(folder), TASKS)
    assert observer.look().shards == 0
    publish(folder, TASKS[0], "from-0")
    assert observer.look().shards == 1


def test_reasons_are_listed_most_frequent_first() -> None:
    assert in_words(collections.Counter(a=1, c=2, b=2)) == "b 2, c 2, a 1"


def test_a_marker_is_read_once_for_each_time_that_it_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, names, read = Folder(str(tmp_path)), [], Folder.read
    monkeypatch.setattr(Folder, "read", lambda self, name: (names.append(name), read(self, name))[1])
    observer = Observer(take_snapshot(folder), TASKS)
    publish(folder, TASKS[0], "something older")
    for _ in range(3):
        observer.look()
    assert names == ["A/train/0_stats.json"]


def test_a_follower_counts_what_stands_and_what_is_under_way(tmp_path: Path) -> None:
    build_into(tmp_path / "out", make_fates(tmp_path / "in"))
    folder = Folder(str(tmp_path / "out"))
    follower = Follower(snapshot_of(folder))
    assert follower.is_complete and follower.look() == follower.first
    removed = next((tmp_path / "out").rglob("0_stats.json"))
    shard, planned = removed.with_name("0").relative_to(tmp_path / "out").as_posix(), json.loads(removed.read_text())["n_planned"]
    removed.unlink()
    assert follower.look().clips == follower.n_clips - planned and not follower.is_complete
    report(folder, "w", shard, 1)
    assert follower.look().clips == follower.n_clips - planned + 1
