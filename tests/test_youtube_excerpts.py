"""Names of excerpts are read in one way only, and every source of YouTube excerpts makes clips of one form."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Clip, Rejected
from sources.metadata.youtube_excerpts import YouTubeOptions, named_excerpt, video_of, youtube_clip

ALPHABET = "ABCXYZabcxyz0123456789_-"
VIDEOS = st.text(ALPHABET, min_size=11, max_size=11) | st.sampled_from(
    ["Y__________", "YYYYYYYYYYY", "Y0123456_30", "___________", "-----------"]
)


@given(
    VIDEOS,
    st.sampled_from(["", "Y"]),
    st.none() | st.integers(0, 99_999),
    st.none() | st.integers(1, 600),
    st.sampled_from(["", ".wav", ".flac"]),
)
def test_every_form_of_a_name_gives_back_its_video_and_seconds(
    video: str, before: str, start: int | None, seconds: int | None, suffix: str
) -> None:
    excerpt = "" if start is None else f"_{start:06d}" if seconds is None else f"_{start}_{seconds}"
    end = None if start is None else start + (seconds or 10)
    assert named_excerpt(f"{before}{video}{excerpt}{suffix}") == (video, start, end)


@pytest.mark.parametrize(
    "name", ["", "short", "b0RFKhbpFJ!", "b0RFKhbpFJA_", "b0RFKhbpFJA_x", "b0RFKhbpFJA_1_2_3", "b0RFKhbpFJA_1_0", "x b0RFKhbpFJA"]
)
def test_other_names_are_bad_rows_that_show_at_most_forty_characters(name: str) -> None:
    with pytest.raises(Rejected, match="bad_row"):
        named_excerpt(name)
    with pytest.raises(Rejected, match=f"'{'x' * 40}' is not a YouTube id"):
        named_excerpt("x" * 50)
    with pytest.raises(Rejected, match="bad_row"):
        video_of(name)


def test_a_clip_has_the_id_of_audioset_and_the_recording_of_the_video() -> None:
    options = YouTubeOptions(source="s", dataset="D", path="x", base=Path("/x"), audio_root="videos")
    assert youtube_clip(options, "test", "b0RFKhbpFJA", 1.2346, 11.2346, 7, labels=("Rain",)) == Clip(
        source="s",
        dataset="D",
        split="test",
        id="b0RFKhbpFJA_1235",
        url="https://youtu.be/b0RFKhbpFJA",
        start=1.2346,
        end=11.2346,
        labels=("Rain",),
        recording="youtube:b0RFKhbpFJA",
        audio_root="videos",
        row_number=7,
    )
