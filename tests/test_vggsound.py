"""VGGSound's table has no header, and its labels may hold commas."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Clip
from sources import vggsound
from tests.official_tables import options_of, outcomes_of, written

ROWS = '---g-f_I2yQ,1,people marching,test\n--0PQM4-hqg,30,"bird chirping, tweeting",train\n'


def test_a_row_is_a_clip_of_ten_seconds_with_its_exact_label(tmp_path: Path) -> None:
    (first, second), rejections = outcomes_of("vggsound", written(tmp_path, vggsound__csv=ROWS))
    assert not rejections and (first.split, first.labels, first.row_number) == ("test", ("people marching",), 1)
    assert second == Clip(
        source="vggsound",
        dataset="VGGSound",
        split="train",
        id="--0PQM4-hqg_30000",
        url="https://youtu.be/--0PQM4-hqg",
        start=30.0,
        end=40.0,
        labels=("bird chirping, tweeting",),
        recording="youtube:--0PQM4-hqg",
        row_number=2,
    )


def test_one_split_may_be_read_alone(tmp_path: Path) -> None:
    (clip,), _ = outcomes_of("vggsound", written(tmp_path, vggsound__csv=ROWS), splits=["test"])
    assert clip.id == "---g-f_I2yQ_1000"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("short,1,rain,test", "'short' is not a YouTube id"),
        ("--0PQM4-hqg,,rain,test", "no start is given"),
        ("--0PQM4-hqg,1,,test", "no label is given"),
        ("--0PQM4-hqg,1,rain,dev", "split 'dev' is neither train nor test"),
        ("--0PQM4-hqg,1,bird chirping, tweeting,train", "5 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_rejected_with_file_and_number(row: str, message: str, tmp_path: Path) -> None:
    clips, (rejection,) = outcomes_of("vggsound", written(tmp_path, vggsound__csv=f"{ROWS}{row}\n"))
    assert len(clips) == 2 and rejection.detail.startswith(f"vggsound.csv, row 3: {message}")


@pytest.mark.parametrize("content", ["YouTubeID,start,label,split\n", "glLQrEijrKg_000300.mp4,playing hammond organ\n"])
def test_a_table_with_a_header_or_of_other_columns_is_refused(content: str, tmp_path: Path) -> None:
    written(tmp_path, vggsound__csv=content + ROWS)
    with pytest.raises(ValueError, match=r"row 1: .*is it vggsound\.csv, without a header"):
        vggsound.check(options_of("vggsound", tmp_path))


def test_one_need_stands_for_both_splits(tmp_path: Path) -> None:
    (need,) = vggsound.needs(options_of("vggsound", tmp_path, path="vggsound"))
    assert need.what == "table of VGGSound, train, test: vggsound.csv in vggsound" and need.where is None and need.download is not None
