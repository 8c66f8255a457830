"""Each rule for the files of a plan has a line of its own; a plan without plan.json is found from its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.keys import shard_sort_key
from pipeline.output.plan_files import REJECTIONS, rows_sha256, write_plan_file
from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.storage import Folder
from pipeline.output.t5_files import Verdict, write_verdicts
from pipeline.records import Caption, Clip, Reason, ShardId
from pipeline.verbs.verify_fault import OUTPUT_FOLDER, PLAN_AGAIN, Finding
from pipeline.verbs.verify_plan import check_left_out, check_plan_index, check_plan_rows, check_t5_texts
from tests.outcomes import SHARD, clip, rejection, write_plan

SECOND, VALID = ShardId("Set", "train", 1), ShardId("Set", "valid", 0)
FINGERPRINT = "0" * 64
CLIPS = sorted((clip(name) for name in "abc"), key=lambda each: shard_sort_key(each.recording, each.start, each.key))
LEFT = [rejection(clip("x"), Reason.NO_TEXT), rejection(clip("y"), Reason.BAD_ROW)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def pairs(findings: Iterator[Finding] | list[Finding]) -> list[tuple[str | None, str]]:
    return [(finding.key, finding.what) for finding in findings]


def index(folder: Folder, change: Callable[[dict[str, Any]], Any] | None = None) -> list[str]:
    """Return the faults of the index of a plan, after a change."""
    plan = write_plan({SHARD: CLIPS[:2], SECOND: CLIPS[2:], VALID: [clip("v", split="valid")]}, folder, LEFT, fingerprint=FINGERPRINT)
    value = plan.to_json()
    if change is not None:
        change(value)
    folder.write_json("plan/plan.json", value)
    faults, read = check_plan_index(folder, folder.listing())
    assert all((fault.shard, fault.key, fault.file, fault.remedy) == (None, None, "plan/plan.json", PLAN_AGAIN) for fault in faults)
    assert read is not None
    return [fault.what for fault in faults]


@pytest.mark.parametrize(
    ("change", "whats"),
    [
        (None, []),
        (lambda plan: plan.update(t5={}), []),
        (lambda plan: plan.update(fingerprint="x"), ["fingerprint is 'x', no SHA-256"]),
        (lambda plan: plan.update(more=1), ["more is no value of a plan"]),
        (
            lambda plan: plan["shards"]["Set/valid/0"].update(rows=0),
            ["Set/valid/0 has no rows", "Set: 6 rows were read, 3 are planned and 2 left out"],
        ),
        (lambda plan: plan["rows_read"].update(Set=5), ["Set: 5 rows were read, 4 are planned and 2 left out"]),
        (
            lambda plan: plan["rows_read"].update(B=1, A=2),
            [f"{name} read, 0 are planned and 0 left out" for name in ("A: 2 rows were", "B: 1 row was")],
        ),
        (lambda plan: plan["left_out"].update(B={"no_text": 1}), ["B: 0 rows were read, 0 are planned and 1 left out"]),
        (lambda plan: plan["left_out"].update(Set={"no_text": 1, "odd": 1}), ["Set: 'odd' is no reason"]),
        (
            lambda plan: plan["shards"].update({"Set/train/2": plan["shards"].pop("Set/train/1")}),
            ["Set/train has the shards [0, 2], which do not count from 0 without gaps"],
        ),
        (lambda plan: plan.update(shards={}, rows_read={}, left_out={}), []),
        (lambda plan: plan.update(shards={}, left_out={}), ["Set: 6 rows were read, 0 are planned and 0 left out"]),
    ],
)
def test_an_index_agrees_with_itself(change: Callable[[dict[str, Any]], Any] | None, whats: list[str], folder: Folder) -> None:
    assert index(folder, change) == whats


def test_a_plan_that_cannot_be_read_is_that_of_its_files(folder: Folder, tmp_path: Path) -> None:
    index(folder)
    write_plan_file(CLIPS, tmp_path / "plan/Set/train/7.parquet")
    folder.write("plan/Set/train/00009.parquet", b"x")
    folder.write("Set/valid/00001.parquet", (tmp_path / "plan/Set/train/00000.parquet").read_bytes())
    folder.write("plan/plan.json", b"{")
    (fault,), plan = check_plan_index(folder, dict.fromkeys(reversed(folder.listing())))
    assert fault.what.startswith("damaged: it is not a plan (not JSON (")
    shards = [(SHARD, CLIPS[:2]), (SECOND, CLIPS[2:]), (VALID, [clip("v", split="valid")])]
    assert plan == Plan("", tuple(PlannedShard(shard, len(rows), rows_sha256(rows)) for shard, rows in shards), {}, {})


def test_a_folder_without_plan_files_has_no_plan(folder: Folder, tmp_path: Path) -> None:
    for files in ({}, {"holiday/IMG_1.jpg": None, "README.md": None}):
        (fault,), plan = check_plan_index(folder, files)
        assert (fault.what, fault.remedy, plan) == ("missing, so this is no output folder", OUTPUT_FOLDER, None)
    for name in ("Set/train/0.tar", "plan/rejections.parquet", "recipe.toml"):
        (fault,), plan = check_plan_index(folder, {name: None})
        assert (fault.what.partition(",")[0], fault.remedy, plan) == ("missing", PLAN_AGAIN, None)
    folder.write("plan", b"")
    (fault,), plan = check_plan_index(folder, folder.listing())
    assert plan is None and fault.what == "damaged: it is not a plan (a file has the name of its folder)"
    (tmp_path / "plan").unlink()
    folder.write_json("plan/plan.json", {"format": 1})
    (fault,), plan = check_plan_index(folder, folder.listing())
    assert plan is None and "is of format 1" in fault.what and fault.remedy == "use the version that made it"
    (tmp_path / "plan/plan.json").unlink()
    (tmp_path / "plan/plan.json").symlink_to("/proc/self/mem")
    (fault,), plan = check_plan_index(folder, folder.listing())
    assert plan is None and fault.what.startswith("cannot be read (")


def rows(
    folder: Folder, clips: list[Clip], keys: list[str] | None = None, planned: PlannedShard | None = None
) -> list[tuple[str | None, str]]:
    """Return the findings of the plan file of a shard with these rows."""
    write_plan({SHARD: clips}, folder)
    if keys is not None:
        path = folder.path("plan/Set/train/00000.parquet")
        table = pq.read_table(path, partitioning=None)
        pq.write_table(table.set_column(0, "key", pa.array(keys)), path)
    findings, read = check_plan_rows(folder, planned or PlannedShard(SHARD, len(clips), rows_sha256(clips)))
    assert read == clips
    return pairs(findings)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({}, ""),
        ({"dataset": "Other"}, "is a row of Other/train"),
        ({"split": "test"}, "is a row of Set/test"),
        ({"captions": ()}, "has no caption, or an empty one"),
        ({"captions": (Caption("A."), Caption(" "))}, "has no caption, or an empty one"),
        ({"start": -0.5}, "has the start -0.5 and the end None"),
        ({"start": 0.0}, ""),
        ({"start": 1.0, "end": 1.0}, "has the start 1.0 and the end 1.0"),
        ({"start": 1.0, "end": 1.5}, ""),
        ({"end": 0.0}, "has the start None and the end 0.0"),
        ({"end": 0.5}, ""),
        ({"file_start": -1.0}, "has the file_start -1.0"),
    ],
)
def test_rows_are_those_of_their_shard(fields: dict[str, Any], what: str, folder: Folder) -> None:
    assert rows(folder, [clip("a", **fields)]) == ([("table-a", what)] if what else [])


def test_rows_have_their_keys_and_their_order(folder: Folder) -> None:
    assert rows(folder, CLIPS) == []
    assert rows(folder, CLIPS[:2], ["k", CLIPS[1].key]) == [(CLIPS[0].key, "has the key 'k'")]
    assert rows(folder, [CLIPS[0], CLIPS[2], CLIPS[1]]) == [(CLIPS[1].key, "is not in the order of recordings and starts")]
    assert rows(folder, [CLIPS[0], CLIPS[0], CLIPS[1]]) == [(CLIPS[0].key, "is planned twice")]
    starts = [replace(CLIPS[0], id=f"i{n}", start=float(n)) for n in range(2)]
    assert rows(folder, starts) == []
    assert rows(folder, starts[::-1]) == [("table-i0", "is not in the order of recordings and starts")]


@pytest.mark.parametrize("planned", [PlannedShard(SHARD, 2, rows_sha256(CLIPS)), PlannedShard(SHARD, 3, "x")])
def test_rows_are_those_that_the_index_names(planned: PlannedShard, folder: Folder) -> None:
    assert rows(folder, CLIPS, planned=planned) == [(None, "its 3 rows are not those that plan.json names")]


def test_rows_are_those_that_their_own_file_counts_and_hashes(folder: Folder) -> None:
    write_plan({SHARD: CLIPS}, folder)
    path = folder.path("plan/Set/train/00000.parquet")
    table = pq.read_table(path, partitioning=None).replace_schema_metadata({"rows_sha256": "x"})
    planned = PlannedShard(SHARD, 3, rows_sha256(CLIPS))
    pq.write_table(table, path)
    assert pairs(check_plan_rows(folder, planned)[0]) == [(None, "its 3 rows are not those that plan.json names")]
    write_plan_file(CLIPS, Path(path))
    pq.write_table(pq.read_table(path, partitioning=None).append_column("more", pa.array([1, 2, 3])), path)
    assert pairs(check_plan_rows(folder, planned)[0]) == [(None, "its columns are not those of a plan file")]


def unreadable(folder: Folder, name: str, check: Callable[[], list[str]]) -> None:
    """Check that a file that is missing, damaged, or not given by the disk is one finding."""
    assert check() == ["missing"]
    folder.write(name, b"x")
    (what,) = check()
    assert what.startswith("damaged: Parquet")
    Path(folder.path(name)).unlink()
    Path(folder.path(name)).symlink_to("/proc/self/mem")
    (what,) = check()
    assert what.startswith("cannot be read (")


def test_rows_that_cannot_be_read(folder: Folder) -> None:
    def check() -> list[str]:
        findings, clips = check_plan_rows(folder, PlannedShard(SHARD, 1, ""))
        assert clips is None and all(finding.key is None for finding in findings)
        return [finding.what for finding in findings]

    unreadable(folder, "plan/Set/train/00000.parquet", check)


def test_rows_left_out_that_cannot_be_read(folder: Folder) -> None:
    unreadable(folder, "plan/rejections.parquet", lambda: [what for _, what in pairs(check_left_out(folder, Plan("", (), {}, {})))])


def left_out(folder: Folder, **values: Any) -> list[tuple[str | None, str]]:
    """Return the findings of two rows left out, after a change of the first."""
    plan = write_plan({}, folder, LEFT)
    given = pq.read_table(folder.path("plan/rejections.parquet")).to_pylist()
    given[0] |= values
    pq.write_table(pa.Table.from_pylist(given, REJECTIONS), folder.path("plan/rejections.parquet"))
    return pairs(check_left_out(folder, plan))


@pytest.mark.parametrize(
    ("values", "whats"),
    [
        ({}, []),
        ({"url": None, "stage": None}, ["url, stage has no value"]),
        ({"stage": ""}, ["stage is '', detail has 17 characters"]),
        ({"detail": "x" * 300}, []),
        ({"detail": "x" * 301}, ["stage is 'stage', detail has 301 characters"]),
        ({"source": "s"}, ["its key is not that of source 's' and id 'x'"]),
    ],
)
def test_rows_left_out_have_their_values(values: dict[str, Any], whats: list[str], folder: Folder) -> None:
    assert left_out(folder, **values) == [("table-x", what) for what in whats]


def test_rows_left_out_are_counted_and_sorted(folder: Folder) -> None:
    count = "its 2 rows are not those that plan.json counts"
    assert left_out(folder, reason="odd") == [(None, count), ("table-x", "reason is 'odd', no reason")]
    assert left_out(folder, split="valid") == [(None, "its rows are not sorted")]
    assert pairs(check_left_out(folder, Plan("", (), {}, {}))) == [(None, "its rows are not sorted")]
    left_out(folder)
    path = folder.path("plan/rejections.parquet")
    pq.write_table(pq.read_table(path).append_column("more", pa.array([1, 2])), path)
    columns = [(None, "its columns are not those of rows that were left out")]
    assert pairs(check_left_out(folder, Plan("", (), {"Set": 2}, {"Set": {"bad_row": 1, "no_text": 1}}))) == columns


VERDICTS = [
    (Verdict("A", ("dog",), "p", ("one", "two"), ("length", None)), 3),
    (Verdict("A", ("cat",), "p", ("one",), ("length",)), 5),
    (Verdict("A", ("cow", "ox"), "p", ("one",), (None,)), 4),
    (Verdict("B", ("hen",), "p", ("one",), ("length",)), 2),
]
T5 = {"A": {"sets": [3, 2], "clips": [12, 7]}, "B": {"sets": [1, 0], "clips": [2, 0]}}


def passing(dataset: str, n: int) -> tuple[None, str]:
    return None, f"{dataset}: {n} sets of keywords have a text that passes, plan.json counts others"


@pytest.mark.parametrize(
    ("t5", "expected"),
    [
        (T5, []),
        (T5 | {"A": {"sets": [3, 2], "clips": [12, 8]}}, [passing("A", 2)]),
        (T5 | {"A": {"sets": [3, 1], "clips": [12, 7]}, "B": {"sets": [1, 1], "clips": [2, 0]}}, [passing("A", 2), passing("B", 0)]),
        ({"B": T5["B"]}, [passing("A", 2)]),
        ({"A": T5["A"]}, []),
        (T5 | {"C": {"sets": [1, 1], "clips": [1, 1]}}, [passing("C", 0)]),
    ],
)
def test_texts_that_pass_are_counted(t5: dict[str, Any], expected: list[tuple[None, str]], folder: Folder) -> None:
    write_verdicts(VERDICTS, folder, "plan")
    assert pairs(check_t5_texts(folder, Plan("", (), {"A": 1}, {}, t5))) == expected
    assert pairs(check_t5_texts(folder, Plan("", (), {}, {}, t5))) == []


def test_texts_that_are_missing_or_cannot_be_read(folder: Folder) -> None:
    assert pairs(check_t5_texts(folder, Plan("", (), {"A": 1}, {}))) == []
    unreadable(folder, "plan/t5_texts.parquet", lambda: [what for _, what in pairs(check_t5_texts(folder, Plan("", (), {"A": 1}, {}, T5)))])
