"""A new plan takes the place of the standing one completely; what outlives plans stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.layout import NEW_PLAN, PLAN, plan_name
from pipeline.output.new_plan import _files_of, discard_new_plan, finish_plan, promote, promote_interrupted
from pipeline.output.plan_files import read_rows_of
from pipeline.output.plan_index import LostRowsError, Plan, PlannedShard, read_plan
from pipeline.output.storage import Folder
from pipeline.records import Reason, ShardId
from tests.outcomes import clip, rejection, write_plan

T5 = {"clips": [1, 1], "sets": [1, 1], "rules": {}}
FIRST, SECOND = ShardId("Set", "train", 0), ShardId("Set", "train", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def new_plan(folder: Folder, n_read: int = 4, **json_files: object) -> None:
    """Write the files of a new plan of three clips and a row left out, as the steps of planning do."""
    write_plan({SECOND: [clip("c")], FIRST: [clip("a"), clip("b")]}, folder, [rejection("d", Reason.NO_TEXT)], NEW_PLAN)
    folder.remove(f"{NEW_PLAN}/plan.json")
    for name, value in {"rows_read": {"Set": n_read}, **json_files}.items():
        folder.write_json(f"{NEW_PLAN}/{name}.json", value)


def test_a_finished_plan_is_counted_from_its_files(folder: Folder) -> None:
    new_plan(folder, t5_counts={"Set": T5})
    plan = finish_plan("f", folder)
    assert [(planned.shard, planned.n_rows) for planned in plan.shards] == [(FIRST, 2), (SECOND, 1)]
    assert (plan.fingerprint, plan.rows_read, plan.left_out) == ("f", {"Set": 4}, {"Set": {"no_text": 1}})
    assert plan.t5 == {"Set": T5}
    assert read_plan(folder) == plan
    assert [each.id for each in read_rows_of(folder, FIRST)] == ["a", "b"]
    assert folder.names() == [
        "plan/Set/train/00000.parquet",
        "plan/Set/train/00001.parquet",
        "plan/plan.json",
        "plan/rejections.parquet",
    ]


def test_the_hashes_of_the_rows_are_those_of_the_files(folder: Folder) -> None:
    new_plan(folder)
    assert finish_plan("f", folder).shards == write_plan({FIRST: [clip("a"), clip("b")], SECOND: [clip("c")]}, folder).shards


@pytest.mark.parametrize("n_read", [3, 5])
def test_lost_or_added_rows_are_an_error_with_the_numbers_and_the_standing_plan_stays(n_read: int, folder: Folder) -> None:
    standing = write_plan({FIRST: [clip("old")]}, folder)
    new_plan(folder, n_read)
    with pytest.raises(LostRowsError, match=f"lost rows: {n_read} were read, 3 planned, 1 left out"):
        finish_plan("f", folder)
    assert read_plan(folder) == standing
    assert [each.id for each in read_rows_of(folder, FIRST)] == ["old"]
    promote(folder)
    assert read_plan(folder) == standing
    assert not folder.names(NEW_PLAN)


def test_an_empty_plan_needs_no_counts(folder: Folder) -> None:
    write_plan({}, folder, below=NEW_PLAN)
    plan = finish_plan("f", folder)
    assert (plan.n_read, plan.shards, plan.t5) == (0, (), {})


def test_files_of_the_standing_plan_go_and_what_outlives_plans_stays(folder: Folder) -> None:
    write_plan({FIRST: [clip("old")], ShardId("Old", "train", 0): [clip("old")]}, folder)
    for name in ("t5_captions.parquet", "equal_sounds.parquet", "t5_texts.parquet", "t5/batch-1.parquet", "notes.txt"):
        folder.write(f"{PLAN}/{name}", b"kept")
    new_plan(folder)
    finish_plan("f", folder)
    assert [name.removeprefix("plan/") for name in folder.names()] == [
        "Set/train/00000.parquet",
        "Set/train/00001.parquet",
        "equal_sounds.parquet",
        "notes.txt",
        "plan.json",
        "rejections.parquet",
        "t5_captions.parquet",
    ]
    assert folder.read(f"{PLAN}/equal_sounds.parquet") == b"kept"


def test_texts_of_a_t5_belong_to_plans_that_asked_it() -> None:
    shards = (PlannedShard(FIRST, 1, ""),)
    always = {
        "plan.json",
        "rejections.parquet",
        "t5_captions.parquet",
        "equal_sounds.parquet",
        "retired.json",
        "shared_recordings.json",
        plan_name(FIRST),
    }
    assert _files_of(Plan("f", shards, {}, {})) == always
    assert _files_of(Plan("f", shards, {}, {}, {"Set": {}})) == always | {"t5_texts.parquet"}


@pytest.mark.parametrize("n_moved", [0, 1, 2])
def test_an_interrupted_promotion_is_finished(n_moved: int, folder: Folder) -> None:
    write_plan({FIRST: [clip("old")]}, folder)
    folder.write(f"{PLAN}/equal_sounds.parquet", b"kept")
    new = write_plan({FIRST: [clip("a")], SECOND: [clip("b")]}, folder, below=NEW_PLAN, fingerprint="new")
    if n_moved:
        folder.remove(f"{PLAN}/plan.json")
    for shard in (FIRST, SECOND)[:n_moved]:
        folder.move(f"{NEW_PLAN}/{plan_name(shard)}", f"{PLAN}/{plan_name(shard)}")
    assert promote_interrupted(folder, folder.listing())
    assert read_plan(folder) == new
    assert [read_rows_of(folder, shard)[0].id for shard in (FIRST, SECOND)] == ["a", "b"]
    assert folder.read(f"{PLAN}/equal_sounds.parquet") == b"kept"
    assert not promote_interrupted(folder, folder.listing())


def test_an_incomplete_new_plan_is_discarded(folder: Folder, tmp_path: Path) -> None:
    standing = write_plan({FIRST: [clip("old")]}, folder)
    new_plan(folder)
    assert promote_interrupted(folder, folder.listing())
    assert read_plan(folder) == standing
    assert not (tmp_path / NEW_PLAN).exists()


def test_empty_folders_of_a_new_plan_go_and_are_no_new_plan(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / NEW_PLAN / "Set").mkdir(parents=True)
    assert not promote_interrupted(folder, folder.listing())
    assert not (tmp_path / NEW_PLAN).exists()
    discard_new_plan(folder)
