"""Read names of recordings: an id with its scheme (`freesound:123`), a bare id where the table says whose ids it holds, or an address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from sources.metadata.headers import folded
from sources.metadata.identity import YOUTUBE_ID, recording_of, recording_of_file

SCHEMES = ("freesound", "youtube")
COLUMNS = {
    "freesoundid": "freesound",
    "fsid": "freesound",  # UrbanSound8K
    "srcfile": "freesound",  # ESC-50
    "soundid": "freesound",  # metadata of Clotho
    "soundlink": "",
    "youtubeid": "youtube",  # AudioCaps, VGGSound
    "ytid": "youtube",  # AudioSet, MusicCaps
}
"""Folded names of columns of published tables that hold ids -> the scheme of their ids; empty where they hold addresses."""

_PREFIXED = re.compile(rf"({'|'.join(SCHEMES)})\s*:\s*(?!//)(.*)", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"0*([1-9]\d{0,11})(?:\.0)?", re.ASCII)  # programs write columns of integers with empty cells as 123.0
_YOUTUBE_FILE = re.compile(r"Y?([A-Za-z0-9_-]{11})(?:_[\d.]+){0,2}", re.ASCII)  # `Y` in copies of AudioSet, times behind the id
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$", re.ASCII)


def recording_named(text: str, scheme: str | None = None) -> str:
    """Return the name of the recording that `text` names; a text that is neither an id nor a known address is its own name.

    Args:
        scheme: whose ids the text may hold without a prefix: `freesound` or `youtube`. Names of files may stand for ids then, such as
            `123.wav` of FSD50K and `Y<id>.wav` of copies of AudioSet.

    Raises:
        ValueError: an id is none of its scheme, or a bare number has no scheme.

    >>> recording_named("freesound: 123"), recording_named("123", "freesound"), recording_named("https://freesound.org/s/123/")
    ('freesound:123', 'freesound:123', 'freesound:123')
    >>> recording_named("dev_audio/123.wav", "freesound"), recording_named("YdQw4w9WgXcQ.wav", "youtube")
    ('freesound:123', 'youtube:dQw4w9WgXcQ')
    """
    text = text.strip()
    if match := _PREFIXED.fullmatch(text):
        return _with_scheme(match[2].strip(), match[1].lower(), text)
    name = recording_of(text)
    if "://" in text or name.startswith(tuple(f"{known}:" for known in SCHEMES)):
        return name
    if scheme:
        return _with_scheme(text, scheme, text)
    if _NUMBER.fullmatch(text):
        raise ValueError(f"{text} is an id of an unknown site: write freesound:{text}, an address, or NAME:{text} for ids of your own")
    return recording_of_file(f"{text}.wav") or name  # lists of names often leave out the extension


def scheme_of_column(column: str) -> str | None:
    """Return the scheme of the ids in a column of a published table, by the name of the column; `None` for other columns.

    >>> scheme_of_column("fsID"), scheme_of_column("youtube_id"), scheme_of_column("recording")
    ('freesound', 'youtube', None)
    """
    return COLUMNS.get(folded(column)) or None


def id_columns(present: Iterable[str]) -> list[str]:
    """Return the columns of a table that hold ids of recordings, in the order in which they are asked."""
    order = {name: number for number, name in enumerate(("recording", "url", *COLUMNS))}
    return sorted((name for name in present if folded(name) in order), key=lambda name: order[folded(name)])


def _with_scheme(text: str, scheme: str, given: str) -> str:
    """Return the name of a recording of a scheme."""
    name = PurePosixPath(text.replace("\\", "/")).name
    if scheme == "freesound":
        if match := _NUMBER.fullmatch(text) or _NUMBER.fullmatch(_EXTENSION.sub("", name)):
            return f"freesound:{match[1]}"
        if recording := recording_of_file(name) or recording_of_file(f"{name}.wav"):
            return recording
        raise ValueError(f"{given[:60]!r} is not the number of a Freesound sound")
    if YOUTUBE_ID.fullmatch(text):
        return f"youtube:{text}"
    if match := _YOUTUBE_FILE.fullmatch(_EXTENSION.sub("", name)):
        return f"youtube:{match[1]}"
    raise ValueError(f"{given[:60]!r} is not a YouTube id: 11 letters, digits, '_' and '-'")
