"""Shards that the plan does not hold any more are removed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.ownership import ForeignFilesError, check_folder, check_names, remove_retired
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from tests.outcomes import clip, sample, write_plan, write_shard

STAYS, GOES = ShardId("Set", "train", 0), ShardId("Set", "train", 1)
OTHER_SPLIT, OTHER_DATASET = ShardId("Set", "valid", 0), ShardId("Old", "train", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder of four shards, of which the plan has the first."""
    folder = Folder(str(tmp_path))
    for shard in (STAYS, GOES, OTHER_SPLIT, OTHER_DATASET):
        write_shard([sample()], folder, shard)
        folder.write_json(f"{shard.folder}/sizes.json", {"0.tar": 1})
    write_plan({STAYS: [clip()]}, folder)
    folder.write_json("plan/retired.json", [shard.name for shard in (GOES, OTHER_SPLIT, OTHER_DATASET)])
    return folder


def left(folder: Folder) -> list[str]:
    return [name for name in folder.names() if not name.startswith("plan/")]


OF_THE_SHARD = ["Set/train/0.parquet", "Set/train/0.tar", "Set/train/0_stats.json", "Set/train/sizes.json"]


def test_shards_that_are_not_in_the_plan_go_and_those_of_the_plan_stay(folder: Folder) -> None:
    assert remove_retired(take_snapshot(folder)) == [OTHER_DATASET, GOES, OTHER_SPLIT]
    assert left(folder) == OF_THE_SHARD
    assert take_snapshot(folder).plan is not None


def test_the_folders_of_retired_splits_are_gone_with_their_sizes(folder: Folder, tmp_path: Path) -> None:
    remove_retired(take_snapshot(folder))
    assert not (tmp_path / "Set" / "valid").exists()
    assert not (tmp_path / "Old").exists()
    assert (tmp_path / "Set" / "train" / "sizes.json").exists()


def test_other_files_in_the_folder_of_a_retired_split_stay_and_keep_the_folder(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "Set" / "valid" / "notes.txt").write_text("mine")
    (tmp_path / "Old" / "README").write_text("mine")
    remove_retired(take_snapshot(folder))
    assert left(folder) == ["Old/README", *OF_THE_SHARD, "Set/valid/notes.txt"]
    assert not (tmp_path / "Old" / "train").exists()


def test_what_makes_files_count_is_removed_before_them(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    removed, remove = [], Folder.remove
    monkeypatch.setattr(Folder, "remove", lambda self, name: (removed.append(name), remove(self, name)))
    remove_retired(take_snapshot(folder))
    assert removed[:5] == [
        *("Old/train/sizes.json", "Set/valid/sizes.json"),
        *("Old/train/0_stats.json", "Old/train/0.parquet", "Old/train/0.tar"),
    ]


def test_parts_of_a_shard_go_too(folder: Folder) -> None:
    for name in ("Set/valid/0_stats.json", "Set/valid/0.parquet", "Set/train/1.tar", "Old/train/0.tar", "Old/train/sizes.json"):
        folder.remove(name)
    assert remove_retired(take_snapshot(folder)) == [OTHER_DATASET, GOES, OTHER_SPLIT]
    assert left(folder) == OF_THE_SHARD


def test_nothing_changes_where_all_shards_are_planned(folder: Folder) -> None:
    write_plan({shard: [clip()] for shard in (STAYS, GOES, OTHER_SPLIT, OTHER_DATASET)}, folder)
    before = left(folder)
    assert remove_retired(take_snapshot(folder)) == []
    assert left(folder) == before


@pytest.mark.parametrize("content", [b"{}", b"null", b'["x"]', b"[1]", b"\xff", b'"Set/train/1"'])
def test_a_damaged_list_of_retired_shards_retires_nothing(content: bytes, folder: Folder) -> None:
    folder.write("plan/retired.json", content)
    before = left(folder)
    assert remove_retired(take_snapshot(folder)) == []
    assert left(folder) == before


def test_shards_that_no_plan_of_ours_had_stay(folder: Folder) -> None:
    write_shard([sample()], folder, ShardId("Theirs", "train", 0))
    remove_retired(take_snapshot(folder))
    assert "Theirs/train/0.tar" in left(folder)


@pytest.mark.parametrize(
    "names",
    [
        [],
        [".DS_Store"],
        [".lock", ".work/laion-audio-x/shard.tar"],
        ["plan.new/rows_read.json"],
        ["plan/plan.json", "x/0.tar"],
        ["build.json", "x"],
        ["plan.new/plan.json", "x/0.tar"],
    ],
)
def test_folders_that_are_empty_or_ours_are_built_into(names: list[str], tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "out"))
    for name in names:
        folder.write(name, b"{}")
    check_folder(folder)


IN_OUR_FOLDERS = ("recipe.toml", "plan/notes.txt", "plan/2024/photo.jpg", "plan.new/a.doc", ".moved/5/photo.jpg", ".work/thesis.doc")


@pytest.mark.parametrize(
    "names",
    [
        ["photo.jpg"],
        ["Set/train/0.tar"],
        ["plan/plan.txt", "x"],
        ["recipe.toml", "notes.txt"],
        [".git/HEAD"],
        *([name] for name in IN_OUR_FOLDERS),
    ],
)
def test_folders_with_files_of_others_are_refused(names: list[str], tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "out"))
    for name in names:
        folder.write(name, b"{}")
    with pytest.raises(ForeignFilesError, match="holds files that no build made"):
        check_folder(folder)


def test_the_message_names_three_of_the_files_that_are_not_ours(tmp_path: Path) -> None:
    for name in "edcba":
        (tmp_path / name).touch()
    with pytest.raises(ForeignFilesError, match=r"\(a, b, c and 2 more\)"):
        check_folder(Folder(str(tmp_path)))


@pytest.mark.parametrize("name", ["Set/train/4.tar", "Set/train/4.parquet", "Set/train/4_stats.json"])
def test_the_names_of_a_new_shard_must_be_free(name: str) -> None:
    check_names([ShardId("Set", "train", 4)], ["Set/train/3.tar", "Set/train/sizes.json"])
    with pytest.raises(ForeignFilesError, match=f"^{name}: a file of this name"):
        check_names([ShardId("Set", "train", 3), ShardId("Set", "train", 4)], [name])
