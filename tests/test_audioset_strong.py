"""AudioSet's strong labels: the events of a segment are one clip, with its classes in the order in which they begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Clip
from sources import audioset_strong
from tests.official_tables import options_of, outcomes_of, written

HEADER = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
NAMES = "/m/053hz1\tCheering\n/m/09x0r\tSpeech\n/m/032s66\tGunshot, gunfire\n"
SEGMENT = "s9d-2nhuJCQ_30000"


def folder(tmp_path: Path, *rows: str, name: str = "audioset_train_strong__tsv") -> Path:
    return written(tmp_path, **{name: HEADER + "".join(f"{row}\n" for row in rows), "mid_to_display_name__tsv": NAMES})


def test_the_events_of_a_segment_are_one_clip_with_each_class_once_in_the_order_of_their_begin(tmp_path: Path) -> None:
    rows = [f"{SEGMENT}\t2.627\t7.237\t/m/053hz1", f"{SEGMENT}\t0.000\t1.000\t/m/032s66", f"{SEGMENT}\t5.000\t6.000\t/m/032s66"]
    (clip,), rejections = outcomes_of("audioset_strong", folder(tmp_path, *rows))
    assert not rejections
    assert clip == Clip(
        source="audioset_strong",
        dataset="audioset_strong",
        split="train",
        id=SEGMENT,
        url="https://youtu.be/s9d-2nhuJCQ",
        start=30.0,
        end=40.0,
        labels=("Gunshot, gunfire", "Cheering"),
        recording="youtube:s9d-2nhuJCQ",
        row_number=1,
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("s9d-2nhuJCQ\t0\t1\t/m/09x0r", "segment_id 's9d-2nhuJCQ' is not a YouTube id with a start in milliseconds"),
        (f"{SEGMENT}\t2\t1\t/m/09x0r", "an event from 2.0 s to 1.0 s"),
        (f"{SEGMENT}\t\t1\t/m/09x0r", "an event from None s to 1.0 s"),
        (f"{SEGMENT}\t0\t1\t/m/unknown", "label '/m/unknown' is not in mid_to_display_name.tsv"),
        (f"{SEGMENT}\t0\t1", "3 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_rejected_with_file_and_number(row: str, message: str, tmp_path: Path) -> None:
    given = folder(tmp_path, f"{SEGMENT}\t0\t1\t/m/09x0r", row, name="audioset_eval_strong__tsv")
    (clip,), (rejection,) = outcomes_of("audioset_strong", given)
    assert (clip.split, clip.labels) == ("eval", ("Speech",))
    assert rejection.detail.startswith(f"audioset_eval_strong.tsv, row 2: {message}")


def test_another_table_is_refused_with_the_name_of_the_right_one(tmp_path: Path) -> None:
    written(folder(tmp_path), mid_to_display_name__tsv="index,mid,display_name\n")
    with pytest.raises(ValueError, match=r"line 1: a machine id, a tab and a name are needed: is it mid_to_display_name\.tsv"):
        audioset_strong.check(options_of("audioset_strong", tmp_path))
    written(folder(tmp_path), audioset_train_strong__tsv="filename\tonset\toffset\tevent_label\n")
    with pytest.raises(ValueError, match=r"no column segment_id.*is it audioset_train_strong\.tsv \(strong labels of AudioSet\)"):
        audioset_strong.check(options_of("audioset_strong", tmp_path))
