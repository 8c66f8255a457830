"""Which recording a row is about: the key that duplicates, held-out clips and shards go by."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from pipeline.records import short_hash

FREESOUND = re.compile(r"^/(?:people/[^/]+/sounds|s|data/previews/\d+|apiv2/sounds)/(\d+)")
YOUTUBE_ID = re.compile(r"^[A-Za-z0-9_-]{11}$")


def recording_of(url: str) -> str:
    """Return the name of the whole recording at `url`, equal for every address known to lead to the same one.

    >>> recording_of("https://freesound.org/people/nfrae/sounds/100032/")
    'freesound:100032'
    >>> recording_of("https://youtu.be/dQw4w9WgXcQ?t=4")
    'youtube:dQw4w9WgXcQ'
    >>> recording_of("recordings/rain.wav")
    'recordings/rain.wav'
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # a broken address is its own recording; fetching it says what is wrong
        return url
    host = (parts.hostname or "").removeprefix("www.")
    if host.endswith("freesound.org") and (found := FREESOUND.match(parts.path)):
        return f"freesound:{found[1]}"
    if host in {"youtube.com", "m.youtube.com", "youtu.be"}:
        video = parse_qs(parts.query).get("v", [parts.path.rsplit("/", 1)[-1]])[0]
        if YOUTUBE_ID.match(video):
            return f"youtube:{video}"
    return url.split("#", 1)[0] if parts.scheme in {"http", "https"} else url


def id_of(url: str, start: float | None, end: float | None) -> str:
    """Return an id for a row that has none: the file's stem and a hash of what the row points to, never its position.

    >>> id_of("recordings/rain.wav", 1.0, 2.5)
    'rain-b8b7ff2a'
    """
    stem = re.sub(r"[^a-z0-9_]+", "-", PurePosixPath(urlsplit_path(url)).stem.lower()).strip("-")[:60]
    return f"{stem or 'clip'}-{short_hash(url, start, end)}"


def urlsplit_path(url: str) -> str:
    """Return the path of an address without its query, or the plain path itself."""
    return url.split("?", 1)[0] if "://" in url else url
