"""What stands is read from the books of all shards that builds of ours made."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.snapshot import take_snapshot
from pipeline.output.standing import Standing, StandingShard, read_standing
from pipeline.output.storage import Folder
from pipeline.records import Reason, ShardId
from tests.outcomes import clip, rejection, sample, write_plan, write_shard

FIRST, SECOND, VALID = ShardId("Set", "train", 0), ShardId("Set", "train", 1), ShardId("Set", "valid", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    write_shard([sample("a"), rejection("b", Reason.SILENT)], folder, FIRST)
    write_plan({FIRST: [clip("a"), clip("b")]}, folder)
    return folder


def standing(folder: Folder) -> Standing:
    return read_standing(take_snapshot(folder, needs_plan=False))


def test_samples_have_their_excerpt_and_duration_and_all_rows_their_key(folder: Folder) -> None:
    read = standing(folder)
    assert read == Standing(
        *[frozenset({FIRST})] * 2, {FIRST: StandingShard({("table-a", "a.wav", None, None): 0.5}, ("table-a", "table-b"))}
    )
    assert read.indices("Set", "train") == {"table-a": 0, "table-b": 0}
    assert read.indices("Set", "valid") == read.indices("Other", "train") == {}


def test_a_planned_shard_is_ours_before_it_is_built(folder: Folder) -> None:
    write_plan({FIRST: [clip("a")], SECOND: [clip("c")]}, folder)
    assert standing(folder).ours == {FIRST, SECOND}
    assert standing(folder).shards.keys() == {FIRST}


@pytest.mark.parametrize("lost", [("plan/plan.json",), ("Set/train/0_stats.json",), ("plan/plan.json", "Set/train/0_stats.json")])
def test_a_shard_is_ours_without_plan_and_marker_by_its_books(lost: tuple[str, ...], folder: Folder) -> None:
    for name in lost:
        folder.remove(name)
    assert standing(folder).ours == standing(folder).shards.keys() == {FIRST}


@pytest.mark.parametrize("books", [b"", b"PAR1 and no more", None])
def test_tars_with_books_of_somebody_else_are_not_ours(books: bytes | None, folder: Folder, tmp_path: Path) -> None:
    folder.write("Set/valid/0.tar", b"not ours")
    if books is None:
        pq.write_table(pa.table({"key": ["x"], "text": ["y"]}), tmp_path / "Set/valid/0.parquet")
    else:
        folder.write("Set/valid/0.parquet", books)
    assert standing(folder).ours == {FIRST} and standing(folder).unreadable == frozenset()


def test_our_tar_with_damaged_books_has_unknown_content_and_one_without_a_tar_has_none(folder: Folder) -> None:
    folder.write("Set/train/0.parquet", b"damaged")
    assert standing(folder) == Standing(*[frozenset({FIRST})] * 2, {}, frozenset({FIRST}))
    folder.remove("Set/train/0.tar")
    assert standing(folder) == Standing(*[frozenset({FIRST})] * 2, {}, frozenset())
