"""Rows that no books account for are named one by one, shards that are not built by one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Reason, ShardId
from pipeline.verbs.missing import missing_rows
from tests.outcomes import SHARD, clip, rejection, sample, write_plan, write_shard

OTHER = ShardId("Set", "valid", 0)
A, B, C = clip("a"), clip("b"), clip("c")


def test_rows_and_shards_that_are_missing_are_named(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    plan = write_plan({SHARD: [A, B, C], OTHER: [A, B]}, folder)
    assert list(missing_rows(take_snapshot(folder))) == [f"{SHARD}: not built, 3 rows", f"{OTHER}: not built, 2 rows"]
    marker = write_shard([sample(A), sample(clip("x")), sample(A)], folder)
    changed = replace(marker, rows_sha256=plan.shards[0].rows_sha256)
    folder.write("Set/train/0_stats.json", json.dumps(changed.to_json()).encode())
    write_shard([sample(A), rejection(B, Reason.SILENT)], folder, OTHER)
    assert sorted(missing_rows(take_snapshot(folder))) == [
        f"{SHARD}: table-a is in the books and not in the plan",
        f"{SHARD}: table-b is in no books",
        f"{SHARD}: table-c is in no books",
        f"{SHARD}: table-x is in the books and not in the plan",
    ]


def test_a_shard_that_was_made_from_other_rows_is_not_built(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    write_plan({SHARD: [A, B]}, folder)
    write_shard([sample(A)], folder)
    assert list(missing_rows(take_snapshot(folder))) == [f"{SHARD}: not built, 2 rows"]
