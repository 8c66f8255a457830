"""The books of a folder are counted from its plan and its markers."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

from pipeline.output.plan_index import OutputFormatError
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Reason, ShardId
from pipeline.verbs.missing import missing_rows
from pipeline.verbs.status import Books, DatasetCounts, read_the_books, snapshot_of, unreadable_markers
from tests.outcomes import SHARD, clip, rejection, sample, write_plan, write_shard

OTHER = ShardId("Other", "test", 3)
A, B, C = clip("a"), clip("b"), clip("c")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with two planned shards of two datasets, the first of them built."""
    folder = Folder(str(tmp_path))
    write_shard([sample(A, "aa", b"x" * 3000), sample(B, "bb"), rejection(C, Reason.SILENT)], folder)
    left_out = [rejection("d", Reason.NO_TEXT), rejection(clip("e", dataset="Third"), Reason.SILENT)]
    write_plan({SHARD: [A, B, C], OTHER: [clip("f", dataset="Other"), clip("g", dataset="Other")]}, folder, left_out)
    return folder


def books(folder: Folder) -> Books:
    return read_the_books(take_snapshot(folder))


def test_books_count_planned_rows_samples_rejections_and_rows_that_wait(folder: Folder) -> None:
    counted = books(folder)
    assert counted.datasets == {
        "Set": DatasetCounts(4, 2, 0, collections.Counter(no_text=1, silent=1)),
        "Other": DatasetCounts(2, 0, 2),
        "Third": DatasetCounts(1, 0, 0, collections.Counter(silent=1)),
    }
    assert counted.total == DatasetCounts(7, 2, 2, collections.Counter(silent=2, no_text=1))
    assert (counted.shards_done, counted.shards_planned, counted.seconds) == (1, 2, 1.0)
    assert counted.bytes == folder.size("Set/train/0.tar")
    assert not counted.complete and not counted.balance


def test_books_balance_when_every_shard_is_built(folder: Folder) -> None:
    write_shard([sample(clip(name, dataset="Other")) for name in "fg"], folder, OTHER)
    counted = books(folder)
    assert counted.complete and counted.balance
    assert counted.seconds == 2.0
    assert counted.bytes == sum(folder.size(f"{shard}.tar") or 0 for shard in (SHARD, OTHER))
    assert list(missing_rows(take_snapshot(folder))) == []


def test_books_do_not_balance_when_a_shard_accounts_for_too_few_or_too_many_rows(folder: Folder) -> None:
    marker = write_shard([sample(clip(name, dataset="Other")) for name in "fg"], folder, OTHER)
    for n_samples in (1, 3):
        folder.write_json(f"{OTHER}_stats.json", marker.to_json() | {"n_samples": n_samples})
        assert books(folder).complete and not books(folder).balance


def test_a_shard_that_was_made_from_other_rows_waits(folder: Folder) -> None:
    write_shard([sample(A), sample(B)], folder)
    assert books(folder).datasets["Set"] == DatasetCounts(4, 0, 3, collections.Counter(no_text=1))


def test_books_as_json(folder: Folder) -> None:
    value = Books({"B": DatasetCounts(3, 1, 1, collections.Counter(b=1)), "A": DatasetCounts()}, 1, 2, 5400.0, 99).to_json()
    empty = {"planned": 0, "samples": 0, "rejections": 0, "waiting": 0, "reasons": {}}
    of_b = {"planned": 3, "samples": 1, "rejections": 1, "waiting": 1, "reasons": {"b": 1}}
    assert value == {
        "balance": False,
        "shards": {"done": 1, "planned": 2},
        "hours": 1.5,
        "bytes": 99,
        "left": {},
        "made_with": [],
        "total": of_b,
        "datasets": {"A": empty, "B": of_b},
    }
    assert list(value["datasets"]) == ["A", "B"]  # type: ignore[call-overload]
    reasons = DatasetCounts(reasons=collections.Counter(b=1, a=1)).to_json()["reasons"]
    assert list(reasons) == ["a", "b"]  # type: ignore[call-overload]


def test_counts_of_two_datasets_are_added() -> None:
    total = DatasetCounts(1, 2, 3, collections.Counter(a=4))
    total.add(DatasetCounts(10, 20, 30, collections.Counter(a=40, b=50)))
    assert total == DatasetCounts(11, 22, 33, collections.Counter(a=44, b=50))
    assert total.rejections == 94


def test_a_folder_without_a_plan_is_no_output_folder(tmp_path: Path, folder: Folder) -> None:
    assert snapshot_of(folder).plan is not None
    with pytest.raises(OutputFormatError, match=r"no plan here \(plan/plan.json is missing\)"):
        snapshot_of(Folder(str(tmp_path / "nothing")))


def test_markers_that_cannot_be_read_are_named_in_order(folder: Folder) -> None:
    assert list(unreadable_markers(take_snapshot(folder))) == []
    for shard in (SHARD, OTHER):
        folder.write(f"{shard}_stats.json", b"{")
    lines = list(unreadable_markers(take_snapshot(folder)))
    assert [line.partition(": cannot be read: damaged")[0] for line in lines] == ["Other/test/3_stats.json", "Set/train/0_stats.json"]
    assert all(line.endswith("; a build makes the shard again") for line in lines)
    assert books(folder).shards_done == 0
