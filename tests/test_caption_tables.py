"""Tables of captions name excerpts in three ways, and are joined to clips of other sources unless a recipe says otherwise."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from pipeline.records import Caption, Clip, Reason
from tests.official_tables import options_of, outcomes_of, written

V = "b0RFKhbpFJA"


@pytest.mark.parametrize(
    ("source", "file", "column", "name", "excerpt", "split"),
    [
        ("audiosetcaps", "AudioSetCaps_caption__csv", "id", f"Y{V}", (None, None), "train"),
        ("audiosetcaps", "VGGSound_AudioSetCaps_caption__csv", "id", f"{V}_000883", (883.0, 893.0), "train"),
        ("audiosetcaps", "YouTube-8M_AudioSetCaps_caption__csv", "id", f"{V}_84_10", (84.0, 94.0), "train"),
        ("auto_acd", "train__csv", "youtube_id", V, (None, None), "train"),
        ("auto_acd", "auto_acd_test__csv", "youtube_id", f"{V}_000117", (117.0, 127.0), "test"),
        ("sound_vecaps", "Sound-VECaps_audio__csv", "id", f"Y{V}", (None, None), "train"),
    ],
)
def test_a_row_names_its_video_and_its_seconds_where_it_has_them(
    source: str, file: str, column: str, name: str, excerpt: tuple[float | None, float | None], split: str, tmp_path: Path
) -> None:
    (clip,), rejections = outcomes_of(source, written(tmp_path, **{file: f'{column},caption\n{name},"Rain, on\na roof."\n'}))
    start, end = excerpt
    model = importlib.import_module(f"sources.{source}").MODEL
    assert not rejections
    assert clip == Clip(
        source=source,
        dataset=clip.dataset,
        split=split,
        id=V if start is None else f"{V}_{round(start * 1000)}",
        url="",
        start=start,
        end=end,
        captions=(Caption("Rain, on\na roof.", "llm", model=model),),
        recording=f"youtube:{V}",
        row_number=1,
    )


@pytest.mark.parametrize("source", ["audiosetcaps", "auto_acd", "sound_vecaps"])
def test_captions_are_joined_unless_the_recipe_says_otherwise(source: str, tmp_path: Path) -> None:
    assert options_of(source, tmp_path).joins and not options_of(source, tmp_path, join=False).joins


def test_without_a_join_an_excerpt_of_unknown_start_is_found_in_audio_root_only(tmp_path: Path) -> None:
    written(tmp_path, train__csv=f"youtube_id,caption\n{V},Rain.\n{V}_000117,Wind.\n")
    (clip,), (rejection,) = outcomes_of("auto_acd", tmp_path, join=False)
    assert clip.start == 117.0 and "give audio_root, or join = true" in rejection.detail
    clips, _ = outcomes_of("auto_acd", tmp_path, join=False, audio_root="audio")
    assert [clip.url for clip in clips] == ["", f"https://youtu.be/{V}"]


@pytest.mark.parametrize(
    ("row", "reason", "message"),
    [
        ("short,Rain.", Reason.BAD_ROW, "'short' is not a YouTube id"),
        (f"Y{V},", Reason.NO_TEXT, "no caption is given"),
        (f"Y{V}", Reason.BAD_ROW, "1 cells where the header has 2"),
    ],
)
def test_a_bad_row_is_rejected_with_file_and_number(row: str, reason: Reason, message: str, tmp_path: Path) -> None:
    given = written(tmp_path, **{"Sound-VECaps_audio__csv": f"id,caption\nY{V},Rain.\n{row}\n"})
    clips, (rejection,) = outcomes_of("sound_vecaps", given)
    assert len(clips) == 1
    assert rejection.reason is reason and rejection.detail.startswith(f"Sound-VECaps_audio.csv, row 2: {message}")


def test_another_table_is_refused_with_the_name_of_the_right_one(tmp_path: Path) -> None:
    written(tmp_path, train__csv="audiocap_id,youtube_id,start_time\n")
    with pytest.raises(ValueError, match=r"no column caption, .*; is it train\.csv or auto_acd_train\.csv"):
        importlib.import_module("sources.auto_acd").check(options_of("auto_acd", tmp_path))
    written(tmp_path, train__csv="youtube_id,caption\nhttps://youtu.be/x,Rain.\n")
    with pytest.raises(ValueError, match=r"row 1: .* is not a YouTube id, with or without a start; is it train\.csv"):
        importlib.import_module("sources.auto_acd").check(options_of("auto_acd", tmp_path))
