"""Make clips of excerpts of YouTube videos: all sources that list such excerpts name them in the same way."""

from __future__ import annotations

import re
from typing import Any

from pipeline.records import Clip, Reason, Rejected
from sources.metadata.options import SourceOptions

VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
NAME = re.compile(r"Y?([A-Za-z0-9_-]{11})(?:_([0-9]{1,6})(?:_([0-9]{1,4}))?)?(?:\.[A-Za-z0-9]{2,5})?")
EXCERPT_SECONDS = 10.0  # of AudioSet and of all sets that were made from it


def video_of(text: str) -> str:
    """Return the id of a video.

    Raises:
        Rejected: `bad_row`, when it is none.
    """
    if not VIDEO.fullmatch(text):
        raise Rejected(Reason.BAD_ROW, f"{text[:40]!r} is not a YouTube id")
    return text


def named_excerpt(text: str) -> tuple[str, float | None, float | None]:
    """Return (video, start, end) of the name of an excerpt; start and end are seconds, `None` where the name has none.

    Names are the id alone, with AudioSet's `Y` before it, with VGGSound's start after it in six digits, or with start and duration.
    No name can be read in two ways: an id has eleven characters.

    Raises:
        Rejected: `bad_row`, when it is no such name.

    >>> named_excerpt("Yb0RFKhbpFJA.wav"), named_excerpt("oPRC3zComfA_000117"), named_excerpt("9eUrEyAR3xk_84_10")
    (('b0RFKhbpFJA', None, None), ('oPRC3zComfA', 117.0, 127.0), ('9eUrEyAR3xk', 84.0, 94.0))
    """
    match = NAME.fullmatch(text)
    if match is None:
        raise Rejected(Reason.BAD_ROW, f"{text[:40]!r} is not a YouTube id, with or without a start")
    video, start, seconds = match.groups()
    if start is None:
        return video, None, None
    if seconds is not None and not int(seconds):
        raise Rejected(Reason.BAD_ROW, f"{text[:40]!r} names an excerpt of no length")
    return video, float(start), float(start) + float(seconds or EXCERPT_SECONDS)


def youtube_clip(options: SourceOptions, split: str, video: str, start: float, end: float, row_number: int, **fields: Any) -> Clip:
    """Return the clip of an excerpt from `start` to `end`, in seconds; `fields` are further fields of the clip.

    Its id is the name that AudioSet gives to segments: the video and the start in milliseconds.
    """
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=f"{video}_{round(start * 1000)}",
        url=f"https://youtu.be/{video}",  # audio_root is searched for the last part of the path
        start=start,
        end=end,
        recording=f"youtube:{video}",
        audio_root=options.audio_root,
        row_number=row_number,
        **fields,
    )
