"""AudioCaps: rows of one excerpt are one clip with its captions in order, repeats included."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Caption, Clip, Reason
from sources import audiocaps
from tests.official_tables import options_of, outcomes_of, written
from transforms.planning.captions import with_captions
from transforms.planning.drop_duplicates import distinct_excerpts

HEADER = ("audiocap_id", "youtube_id", "start_time", "caption")
A, B = "r1nicOVtvkQ", "-DGBjjwya_E"


def table(*rows: Sequence[object]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([HEADER, *rows])
    return file.getvalue()


def five(video: str, *texts: str, start: int = 30) -> list[tuple[object, ...]]:
    return [(number, video, start, text) for number, text in enumerate(texts)]


def test_a_row_of_train_is_a_clip_of_ten_seconds(tmp_path: Path) -> None:
    (clip,), rejections = outcomes_of(
        "audiocaps", written(tmp_path, train__csv=table((91139, A, 130, "A woman talks nearby as water pours")))
    )
    assert not rejections
    assert clip == Clip(
        source="audiocaps",
        dataset="audiocaps",
        split="train",
        id=f"{A}_130000",
        url=f"https://youtu.be/{A}",
        start=130.0,
        end=140.0,
        captions=(Caption("A woman talks nearby as water pours"),),
        recording=f"youtube:{A}",
        row_number=1,
    )


def test_five_captions_stay_in_the_order_of_the_file_although_their_rows_are_apart_and_some_are_equal(tmp_path: Path) -> None:
    first, second = five(A, "rain", "wind", "rain", "rain", "a\nbell"), five(B, "1", "2", "3", "4", "5")
    mixed = [row for pair in zip(first, second, strict=True) for row in pair]
    clips, rejections = outcomes_of("audiocaps", written(tmp_path, val__csv=table(*mixed)))
    assert not rejections and [clip.split for clip in clips] == ["valid", "valid"]
    assert [[caption.text for caption in clip.captions] for clip in clips] == [["rain", "wind", "rain", "rain", "a\nbell"], list("12345")]


def test_repeated_captions_survive_the_planning_of_an_evaluation_set(tmp_path: Path) -> None:
    clips, _ = outcomes_of("audiocaps", written(tmp_path, test__csv=table(*five(A, "rain", "wind", "rain", "rain", "a\nbell"))))
    copy = replace(clips[0], split="train", captions=(Caption("x"),))
    captioned = list(map(with_captions, distinct_excerpts([*clips, copy], (), [])))
    assert [(clip.split, [caption.text for caption in clip.captions]) for clip in captioned] == [
        ("test", ["rain", "wind", "rain", "rain", "a bell"])
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, "short", 30, "x"), "'short' is not a YouTube id"),
        ((1, A, "", "x"), "no start_time is given"),
        ((1, A, -1, "x"), "start_time = -1 s is not a time"),
        ((1, A, "x", "x"), "start_time = 'x' is not a number"),
        ((1, A, 30, " "), "no caption is given"),
        ((1, A, 30), "3 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_rejected_with_file_and_number(row: Sequence[object], message: str, tmp_path: Path) -> None:
    clips, (rejection,) = outcomes_of("audiocaps", written(tmp_path, train__csv=table((0, B, 0, "good"), row)))
    assert len(clips) == 1
    assert rejection.reason is Reason.BAD_ROW and rejection.detail.startswith(f"train.csv, row 2: {message}")


def test_an_excerpt_of_test_that_has_not_five_captions_is_rejected(tmp_path: Path) -> None:
    rows = [*five(A, "1", "2", "3", "4"), *five(B, "1", "2", "3", "4", "5"), (9, A, 30, "")]
    (clip,), (broken, short) = outcomes_of("audiocaps", written(tmp_path, test__csv=table(*rows)))
    assert clip.recording == f"youtube:{B}"
    assert (
        "row 10: no caption" in broken.detail
        and short.detail == f"test.csv, row 1: excerpt {A} from 30 s has 4 captions, in test each has 5"
    )


def test_two_excerpts_of_one_video_are_two_clips(tmp_path: Path) -> None:
    clips, _ = outcomes_of("audiocaps", written(tmp_path, audiocaps_train__csv=table((1, A, 30, "x"), (2, A, 40, "y"))), path="audiocaps")
    assert [clip.id for clip in clips] == [f"{A}_30000", f"{A}_40000"]


def test_another_table_is_refused_with_the_name_of_the_right_one(tmp_path: Path) -> None:
    written(tmp_path, val__csv="file_name,caption_1\na.wav,b\n")
    with pytest.raises(
        ValueError,
        match=r"val\.csv: no column youtube_id, start_time, caption, .*; is it val\.csv or audiocaps_val\.csv \(captions of AudioCaps\)",
    ):
        audiocaps.check(options_of("audiocaps", tmp_path))
    with pytest.raises(ValueError, match="of AudioCaps"):
        list(audiocaps.read(options_of("audiocaps", tmp_path)))


def test_every_table_may_be_fetched_and_has_a_checksum(tmp_path: Path) -> None:
    downloads = [need.download for need in audiocaps.needs(options_of("audiocaps", tmp_path))]
    assert [download.name for download in downloads if download and len(download.sha256 or "") == 64] == [
        "audiocaps_train.csv",
        "audiocaps_val.csv",
        "audiocaps_test.csv",
    ]
