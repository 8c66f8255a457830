"""Plan files give back the rows that were written; equal rows give equal bytes."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.output import plan_files
from pipeline.output.plan_files import (
    count_left_out,
    left_out_bytes,
    read_keys,
    read_left_out,
    read_plan_file,
    read_rows_of,
    rows_sha256,
    summary,
    write_left_out,
    write_plan_file,
)
from pipeline.output.storage import Folder
from pipeline.records import MAX_DETAIL, Caption, Clip, Reason, Rejection, ShardId

CLIPS = [
    Clip("s", "D", "train", "Año 雨", "a/🌧.wav", 0.1, 1e9, (Caption("Ein Märchen\u200d"), Caption("x", "t5", "m", "p", "y")), ("a", "b")),
    Clip("s", "D", "train", "plain", "b.wav", None, None, (Caption("x"),), (), "t", "CC0-1.0", "é", "freesound:1", "root"),
]


def test_rows_that_are_read_equal_those_written(tmp_path):
    name = "plan/D/train/00003.parquet"
    (tmp_path / name).parent.mkdir(parents=True)
    write_plan_file(CLIPS, tmp_path / name)
    folder = Folder(str(tmp_path))
    assert read_plan_file(folder, name) == read_rows_of(folder, ShardId("D", "train", 3)) == CLIPS
    assert read_keys(folder, ShardId("D", "train", 3)) == [clip.key for clip in CLIPS]
    assert summary(folder, name) == (2, rows_sha256(CLIPS))


def test_equal_rows_give_equal_bytes_whatever_their_row_numbers(tmp_path):
    write_plan_file(CLIPS, tmp_path / "a.parquet")
    write_plan_file([replace(clip, row_number=9) for clip in CLIPS], tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [{"split": "test"}, {"url": "c"}, {"start": 0.2}, {"labels": ("b", "a")}, {"captions": (Caption("x", "title"),)}, {"audio_root": ""}],
)
def test_every_field_changes_the_hash(changes):
    assert rows_sha256([replace(CLIPS[0], **changes)]) != rows_sha256(CLIPS[:1])


def test_the_order_of_rows_changes_the_hash():
    assert rows_sha256(CLIPS) != rows_sha256(CLIPS[::-1])


def test_left_out_rows_that_are_written_in_parts_are_the_same_bytes(tmp_path, monkeypatch):
    rows = [left_out_bytes([Rejection(replace(CLIPS[1], id=str(number)), Reason.NO_TEXT, "caption")]) for number in range(20)]
    write_left_out(rows, tmp_path / "whole.parquet")
    monkeypatch.setattr(plan_files, "N_TOGETHER", 7)
    write_left_out(rows, tmp_path / "parts.parquet")
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_left_out_rows_are_sorted_when_written(tmp_path: Path):
    rejections = [Rejection(clip, Reason.LICENSE, "check_licenses", "x" * 1000) for clip in CLIPS]
    write_left_out([left_out_bytes(rejections)], tmp_path / "rejections.parquet")
    write_left_out([left_out_bytes([each]) for each in rejections[::-1]], tmp_path / "b.parquet")
    assert (tmp_path / "rejections.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    table = read_left_out(Folder(str(tmp_path.parent)), tmp_path.name)
    rows = table.to_pylist()
    assert count_left_out(table) == {"D": {"license": 2}}
    assert {row["reason"] for row in rows} == {"license"}
    assert {len(row["detail"]) for row in rows} == {MAX_DETAIL}
    assert {row["id"] for row in rows} == {"Año 雨", "plain"}


def test_a_plan_without_left_out_rows_has_an_empty_file(tmp_path):
    write_left_out([], tmp_path / "rejections.parquet")
    assert read_left_out(Folder(str(tmp_path.parent)), tmp_path.name).num_rows == 0
