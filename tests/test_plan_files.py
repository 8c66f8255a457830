"""Plan files: equal rows are equal bytes, and come back as they were."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.output.plan_files import (
    left_out_reason,
    plan_name,
    read_keys,
    read_left_out,
    read_plan_file,
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


def test_rows_come_back_as_they_were(tmp_path):
    write_plan_file(CLIPS, tmp_path / "p.parquet")
    folder = Folder(str(tmp_path))
    assert read_plan_file(folder, "p.parquet") == CLIPS
    assert read_keys(folder, "p.parquet") == [clip.key for clip in CLIPS]
    assert summary(folder, "p.parquet") == (2, rows_sha256(CLIPS))


def test_equal_rows_give_equal_bytes_and_their_place_in_the_source_does_not_count(tmp_path):
    write_plan_file(CLIPS, tmp_path / "a.parquet")
    write_plan_file([replace(clip, row_number=9) for clip in CLIPS], tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [{"split": "test"}, {"url": "c"}, {"start": 0.2}, {"labels": ("b", "a")}, {"captions": (Caption("x", "title"),)}, {"audio_root": ""}],
)
def test_every_field_counts_for_the_hash(changes):
    assert rows_sha256([replace(CLIPS[0], **changes)]) != rows_sha256(CLIPS[:1])


def test_order_counts_for_the_hash():
    assert rows_sha256(CLIPS) != rows_sha256(CLIPS[::-1])


def test_a_shard_has_one_plan_file():
    assert plan_name(ShardId("D", "train", 7)) == "D/train/00007.parquet"


def test_what_was_left_out_is_written_in_an_order_of_its_own(tmp_path: Path):
    gone = [Rejection(clip, Reason.LICENSE, "check_licenses", "x" * 1000) for clip in CLIPS]
    write_left_out(gone, tmp_path / "a.parquet")
    write_left_out(gone[::-1], tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    rows = read_left_out(Folder(str(tmp_path)), "a.parquet").to_pylist()
    assert {left_out_reason(row) for row in rows} == {Reason.LICENSE}
    assert {len(row["detail"]) for row in rows} == {MAX_DETAIL}
    assert {row["id"] for row in rows} == {"Año 雨", "plain"}


def test_a_plan_that_left_nothing_out_says_so(tmp_path):
    write_left_out([], tmp_path / "a.parquet")
    assert read_left_out(Folder(str(tmp_path)), "a.parquet").num_rows == 0
