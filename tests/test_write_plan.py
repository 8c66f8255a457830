"""Each shard has one plan file, and the rows that were left out have one file."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import pytest

from pipeline.engines.run import Engine
from pipeline.output.plan_files import left_out_bytes, plan_line, read_left_out, read_plan_file
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Rejection
from tests.eager import EagerEngine, collect
from transforms.planning.batches import pack
from transforms.planning.plan_lines import ShardLines
from transforms.planning.write_plan import WriteLeftOut, WritePlan, write_shard_plan

CLIPS = [Clip("s", "S", "train", str(n), "u", start=float(n), recording="r") for n in range(4)]


def batch(partition: int, clips: list[Clip], **addresses: str) -> bytes:
    return pack(ShardLines(partition, [plan_line(clip, clip.key) for clip in clips], addresses))


SHARDS = [("S/train/0", [batch(5, CLIPS[2:3], b="url"), batch(1, CLIPS[:2], a="url")]), ("S/train/11", [batch(0, CLIPS[3:])])]
GONE = [Rejection(clip, Reason.LICENSE, "check_licenses", "none") for clip in CLIPS]


def test_a_shard_has_one_file_with_the_clips_of_its_partitions_in_their_order(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    assert write_shard_plan(SHARDS[0], folder, "plan.new") == "plan.new/S/train/00000.parquet"
    assert read_plan_file(folder, "plan.new/S/train/00000.parquet") == CLIPS[:3]
    assert folder.read_json("plan.new/addresses/S/train/0.json") == {"a": "url", "b": "url"}
    assert len(folder.names("")) == 2, "and nothing else is left in the folder"


@pytest.mark.parametrize("engine", [EagerEngine(), Engine(n_workers=2)])
def test_every_shard_is_written(engine: Engine, tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    engine.run(lambda root: root | beam.Create(SHARDS) | WritePlan(folder, "below"))
    assert read_plan_file(folder, "below/S/train/00000.parquet") == CLIPS[:3]
    assert read_plan_file(folder, "below/S/train/00011.parquet") == CLIPS[3:]


def test_the_names_of_the_plan_files_are_put_out(tmp_path: Path) -> None:
    (names,) = collect(lambda root: [root | beam.Create(SHARDS) | WritePlan(Folder(str(tmp_path)), "below")])
    assert sorted(names) == ["below/S/train/00000.parquet", "below/S/train/00011.parquet"]


@pytest.mark.parametrize("rejections", [GONE, []])
def test_what_was_left_out_is_one_file_also_where_there_is_nothing(rejections: list[Rejection], tmp_path: Path) -> None:
    written = []
    tables = [left_out_bytes([rejection]) for rejection in rejections]
    for seed in (None, 1):
        (names,) = collect(
            lambda root: [root | beam.Create(tables, reshuffle=False) | WriteLeftOut(Folder(str(tmp_path)), "new/rejections.parquet")], seed
        )
        assert names == ["new/rejections.parquet"]
        written.append((tmp_path / "new/rejections.parquet").read_bytes())
    assert written[0] == written[1]
    rows = read_left_out(Folder(str(tmp_path)), "new").to_pylist()
    assert [row["id"] for row in rows] == [rejection.clip.id for rejection in rejections]
