"""MusicCaps: the caption is a caption, the aspects are labels, and excerpts of AudioSet's eval are test."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Caption, Clip
from sources import musiccaps
from tests.official_tables import options_of, outcomes_of, written

HEADER = "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,is_audioset_eval\n"
ROW = """-0Gj8-vB1q4,30,40,"/m/0140xf,/m/04rlf","['low quality', ""it's sad"", 'sad', 'sad']","A ballad,\nlow quality.",4,False,True\n"""
OTHER = "-0vPFx-wRRI,30,40,/m/04rlf,['reverb'],A male voice.,6,False,False\n"


def test_a_row_is_a_clip_with_its_caption_and_aspects(tmp_path: Path) -> None:
    (first, second), rejections = outcomes_of("musiccaps", written(tmp_path, **{"musiccaps-public__csv": HEADER + ROW + OTHER}))
    assert not rejections and (second.split, second.labels) == ("train", ("reverb",))
    assert first == Clip(
        source="musiccaps",
        dataset="MusicCaps",
        split="test",
        id="-0Gj8-vB1q4_30000",
        url="https://youtu.be/-0Gj8-vB1q4",
        start=30.0,
        end=40.0,
        captions=(Caption("A ballad,\nlow quality."),),
        labels=("low quality", "it's sad", "sad"),
        recording="youtube:-0Gj8-vB1q4",
        row_number=1,
    )


def test_one_split_may_be_read_alone(tmp_path: Path) -> None:
    (clip,), _ = outcomes_of("musiccaps", written(tmp_path, musiccaps__csv=HEADER + ROW + OTHER), splits=["train"])
    assert clip.split == "train"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("short,30,40,,[],x,4,False,True", "'short' is not a YouTube id"),
        ("-0Gj8-vB1q4,40,30,,[],x,4,False,True", "an excerpt from 40.0 s to 30.0 s"),
        ("-0Gj8-vB1q4,30,40,,[],,4,False,True", "no caption is given"),
        ("-0Gj8-vB1q4,30,40,,[],x,4,False,perhaps", "is_audioset_eval is 'perhaps', not True or False"),
        ("-0Gj8-vB1q4,30,40,,['a,x,4,False,True", "aspect_list: "),
    ],
)
def test_a_bad_row_is_rejected_with_file_and_number(row: str, message: str, tmp_path: Path) -> None:
    clips, (rejection,) = outcomes_of("musiccaps", written(tmp_path, musiccaps__csv=f"{HEADER}{ROW}{row}\n"))
    assert len(clips) == 1 and rejection.detail.startswith(f"musiccaps.csv, row 2: {message}")


def test_another_table_is_refused_with_the_name_of_the_right_one(tmp_path: Path) -> None:
    written(tmp_path, musiccaps__csv="a,b\n")
    with pytest.raises(ValueError, match=r"no column ytid.*is it musiccaps-public\.csv \(table of MusicCaps\)"):
        musiccaps.check(options_of("musiccaps", tmp_path))
