"""AudioSetCaps: three tables with ids of three forms."""

from __future__ import annotations

from pathlib import Path

from sources import audiosetcaps
from tests.official_tables import options_of, outcomes_of, written


def test_each_table_is_a_part_and_all_of_them_are_for_training(tmp_path: Path) -> None:
    given = written(
        tmp_path,
        **{
            "AudioSetCaps_caption__csv": "id,caption\nYb0RFKhbpFJA,Rain.\n",
            "Dataset/VGGSound_AudioSetCaps_caption__csv": "id,caption\nb0RFKhbpFJA_000883,Wind.\n",
        },
    )
    clips, rejections = outcomes_of("audiosetcaps", given)
    assert not rejections and [(clip.split, clip.recording, clip.start) for clip in clips] == [
        ("train", "youtube:b0RFKhbpFJA", None),
        ("train", "youtube:b0RFKhbpFJA", 883.0),
    ]
    (clip,), _ = outcomes_of("audiosetcaps", given, splits=["VGGSound"])
    assert clip.captions[0].text == "Wind."


def test_the_needs_name_every_table_and_no_download(tmp_path: Path) -> None:
    needs = audiosetcaps.needs(options_of("audiosetcaps", tmp_path))
    assert len(needs) == 3 and not any(need.where or need.download for need in needs)
