"""What a new plan drops and moves is counted from what stands, sample by sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.layout import NEW_PLAN
from pipeline.output.plan_change import DroppedSamplesError, PlanChange, compare
from pipeline.output.snapshot import take_snapshot
from pipeline.output.standing import read_standing
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Rejection, ShardId
from tests.outcomes import clip, rejection, sample, write_plan, write_shard

FIRST, SECOND, TEST = ShardId("Set", "train", 0), ShardId("Set", "train", 1), ShardId("Set", "test", 0)
RENAMED = ShardId("Renamed", "train", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder of two shards with two samples each, half a second long; the second also has a rejected row."""
    folder = Folder(str(tmp_path))
    write_shard([sample("a", "aa"), sample("b", "bb")], folder, FIRST)
    write_shard([sample("c", "cc"), sample("d", "dd"), rejection("e", Reason.SILENT)], folder, SECOND)
    write_plan({FIRST: [clip("a"), clip("b")], SECOND: [clip("c"), clip("d"), clip("e")]}, folder)
    return folder


def change(folder: Folder, shards: dict[ShardId, list[Clip]], left_out: list[Rejection] = []) -> PlanChange:  # noqa: B006
    plan = write_plan(shards, folder, left_out, NEW_PLAN)  # type: ignore[arg-type]
    return compare(plan, read_standing(take_snapshot(folder)), folder)


def clips(names: str, **fields: str) -> list[Clip]:
    return [clip(name, **fields) for name in names]


def test_the_same_rows_change_nothing(folder: Folder) -> None:
    same = change(folder, {FIRST: clips("ab"), SECOND: clips("cde")})
    assert same == PlanChange({}, 0.0, (), ())
    same.check()


def test_samples_whose_rows_are_gone_are_counted_and_rejected_rows_are_not(folder: Folder) -> None:
    less = change(folder, {FIRST: clips("a"), SECOND: clips("cd")})
    assert less == PlanChange({FIRST: 1}, 0.5, (), ())
    assert change(folder, {FIRST: clips("ab")}) == PlanChange({SECOND: 2}, 1.0, (), ())


def test_rows_that_are_left_out_with_a_reason_are_not_dropped(folder: Folder) -> None:
    left_out = [rejection("b", Reason.HELD_OUT), rejection("c", Reason.LICENSE)]
    assert change(folder, {FIRST: clips("a"), SECOND: clips("de")}, left_out) == PlanChange({}, 0.0, (), ())


def test_a_reason_of_another_dataset_does_not_count(folder: Folder) -> None:
    left_out = [rejection(clip("b", dataset="Other"), Reason.HELD_OUT)]
    assert change(folder, {FIRST: clips("a"), SECOND: clips("cde")}, left_out).dropped == {FIRST: 1}


def test_rows_in_another_shard_are_moved(folder: Folder) -> None:
    moved = change(folder, {FIRST: clips("a"), SECOND: clips("cde"), TEST: clips("b", split="test")})
    assert moved == PlanChange({}, 0.0, (FIRST,), ())
    assert change(folder, {FIRST: clips("abcd"), SECOND: clips("e")}) == PlanChange({}, 0.0, (SECOND,), ())


def test_a_shard_may_both_lose_and_move_samples(folder: Folder) -> None:
    assert change(folder, {FIRST: clips("ab"), TEST: clips("c", split="test")}) == PlanChange({SECOND: 1}, 0.5, (SECOND,), ())


def test_a_renamed_dataset_is_moved(folder: Folder) -> None:
    assert change(folder, {RENAMED: clips("abcde", dataset="Renamed")}) == PlanChange({}, 0.0, (FIRST, SECOND), ())


@pytest.mark.parametrize("fields", [{"url": "other.wav"}, {"start": 0.5}, {"end": 0.5}])
def test_an_equal_key_of_another_dataset_and_excerpt_is_another_clip(fields: dict, folder: Folder) -> None:
    assert change(folder, {RENAMED: clips("abcde", dataset="Renamed", **fields)}).dropped == {FIRST: 2, SECOND: 2}


def test_an_equal_clip_of_another_dataset_does_not_replace_that_of_a_dataset_that_stays(folder: Folder) -> None:
    shards = {FIRST: clips("a"), SECOND: clips("cde"), RENAMED: clips("b", dataset="Renamed")}
    assert change(folder, shards).dropped == {FIRST: 1}


def test_a_changed_address_of_the_same_id_is_not_dropped(folder: Folder) -> None:
    assert change(folder, {FIRST: clips("ab", url="new.wav"), SECOND: clips("cde")}) == PlanChange({}, 0.0, (), ())


def test_a_shard_whose_books_cannot_be_read_is_dropped_with_unknown_content(folder: Folder) -> None:
    folder.write("Set/train/1.parquet", b"damaged")
    less = change(folder, {FIRST: clips("ab")})
    assert less == PlanChange({}, 0.0, (), (SECOND,))
    with pytest.raises(DroppedSamplesError, match="Set/train/1: its books cannot be read, so all of its samples"):
        less.check()
    assert change(folder, {FIRST: clips("ab"), SECOND: clips("c")}).unreadable == ()


def test_the_message_counts_samples_hours_and_shards_and_names_five() -> None:
    dropped = {ShardId("Set", "train", n): n + 1 for n in range(7)}
    with pytest.raises(DroppedSamplesError) as error:
        PlanChange(dropped, 7200.0, (), ()).check()
    lines = str(error.value).splitlines()
    assert lines[0] == "this would remove 28 samples (2.0 hours) from 7 shards; nothing was changed:"
    assert lines[1:] == [*(f"  Set/train/{n}: {n + 1} samples" for n in range(5)), "  and 2 more shards"]
    with pytest.raises(DroppedSamplesError, match=r"1 samples \(359\.9 seconds\) from 1 shards") as error:
        PlanChange({FIRST: 1}, 359.9, (), ()).check()
    assert len(str(error.value).splitlines()) == 2
