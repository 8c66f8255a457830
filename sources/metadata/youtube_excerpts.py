"""Make clips of excerpts of YouTube videos: all sources that list such excerpts name them in the same way."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import model_validator

from pipeline.records import Clip, Reason, Rejected
from sources.metadata.official_files import PartOptions

VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
FILE = re.compile(r"\[?Y?([A-Za-z0-9_-]{11})\]?[_-]\[?(\d{1,9}(?:\.\d{1,6})?)(?:s?[_-](\d{1,9}(?:\.\d{1,6})?))?s?\]?", re.ASCII)
"""The stem of a file that holds an excerpt: a video and one or two times."""
NAME = re.compile(r"Y?([A-Za-z0-9_-]{11})(?:_([0-9]{1,6})(?:_([0-9]{1,4}))?)?(?:\.[A-Za-z0-9]{2,5})?")
MANY = 1000  # from here on, a whole number in the name of a file is one of milliseconds
N_PADDED = 6  # digits of a start in seconds, in VGGSound's names
EXCERPT_SECONDS = 10.0  # of AudioSet and of all sets that were made from it


class YouTubeOptions(PartOptions):
    """Keys of a source whose clips are excerpts of YouTube videos: those of `PartOptions`, and `audio_is_cut`.

    A file of `audio_root` that is named by the video alone holds all of it; with `audio_is_cut = true` it begins where the clip does.
    A file that has times in its name begins there, with and without the key.
    """

    audio_is_cut: bool = False

    @model_validator(mode="after")
    def _check_audio_root(self) -> Self:
        if self.audio_is_cut and self.audio_root is None:
            raise ValueError("audio_is_cut says what the files of audio_root hold: give audio_root, or leave it out")
        return self


def video_of(text: str) -> str:
    """Return the id of a video.

    Raises:
        Rejected: `bad_row`, when it is none.
    """
    if not VIDEO.fullmatch(text):
        raise Rejected(Reason.BAD_ROW, f"{text[:40]!r} is not a YouTube id")
    return text


def address_of(video: str) -> str:
    """Return the address of a video; `audio_root` is searched for the last part of its path."""
    return f"https://youtu.be/{video}"


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


def file_excerpt(stem: str) -> tuple[str, float, float | None] | None:
    """Return (video, start, end) of the stem of a file that holds an excerpt, in seconds; `None` for any other stem.

    Downloaders name such files by video, start and end, in seconds ("ID_30.000_40.000", "ID_30_40", "[ID]-[30-40]") or milliseconds; by
    video and start in milliseconds ("ID_30000", as AudioSet names segments); or by video and start in seconds, in six digits ("ID_000030")
    or less than 1000. A second time that is not after the first is a duration. A `Y` may stand before the video.

    >>> file_excerpt("YjNAt-2YnUaI_30.000_40.000"), file_excerpt("jNAt-2YnUaI_30000"), file_excerpt("jNAt-2YnUaI_000030")
    (('jNAt-2YnUaI', 30.0, 40.0), ('jNAt-2YnUaI', 30.0, None), ('jNAt-2YnUaI', 30.0, None))
    >>> file_excerpt("jNAt-2YnUaI_84_10"), file_excerpt("jNAt-2YnUaI")
    (('jNAt-2YnUaI', 84.0, 94.0), None)
    """
    match = FILE.fullmatch(stem)
    if match is None:
        return None
    video, first, second = match.groups()
    start, length = float(first), None if second is None else float(second)
    if length is not None and length > start:
        length -= start
    if length == 0:
        return None
    are_whole = first.isdigit() and (second or "0").isdigit()
    is_padded = length is None and len(first) == N_PADDED and first.startswith("0")
    unit = 1000 if are_whole and not is_padded and (length or start) >= MANY else 1
    return video, start / unit, None if length is None else (start + length) / unit


def youtube_clip(options: YouTubeOptions, split: str, video: str, start: float, end: float, row_number: int, **fields: Any) -> Clip:
    """Return the clip of an excerpt from `start` to `end`, in seconds; `fields` are further fields of the clip.

    Its id is the name that AudioSet gives to segments: the video and the start in milliseconds.
    """
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=f"{video}_{round(start * 1000)}",
        url=address_of(video),
        start=start,
        end=end,
        recording=f"youtube:{video}",
        audio_root=options.audio_root,
        row_number=row_number,
        file_start=start if options.audio_is_cut else None,
        **fields,
    )
