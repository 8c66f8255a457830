"""Name the recording that a row points to. Duplicates, held-out clips and shards are found by this name."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, urlsplit

from pipeline.keys import short_hash
from pipeline.masking import mask_address
from pipeline.records import Rejected
from sources.metadata.cells import name_of
from sources.metadata.rows import check_rows, read_rows

FREESOUND = re.compile(r"^/(?:people/[^/]+/sounds|s|data/previews/\d+|apiv2/sounds)/(\d+)")
YOUTUBE_ID = re.compile(r"^[A-Za-z0-9_-]{11}$")


def recording_of(url: str) -> str:
    """Return the name of the recording at `url`, equal for all known addresses of the same Freesound sound or YouTube video.

    Any other address, without its fragment, and any path is its own name.

    >>> recording_of("https://freesound.org/people/nfrae/sounds/100032/")
    'freesound:100032'
    >>> recording_of("https://youtu.be/dQw4w9WgXcQ?t=4")
    'youtube:dQw4w9WgXcQ'
    >>> recording_of("recordings/rain.wav")
    'recordings/rain.wav'
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # a broken address is its own recording; the fetcher reports the fault
        return url
    host = (parts.hostname or "").removeprefix("www.")
    if (host == "freesound.org" or host.endswith(".freesound.org")) and (match := FREESOUND.match(parts.path)):
        return f"freesound:{match[1]}"
    if host in {"youtube.com", "m.youtube.com", "youtu.be"}:
        video = parse_qs(parts.query).get("v", [parts.path.rsplit("/", 1)[-1]])[0]
        if YOUTUBE_ID.match(video):
            return f"youtube:{video}"
    return url.split("#", 1)[0] if parts.scheme in {"http", "https"} else url


def id_of(url: str, start: float | None, end: float | None) -> str:
    """Return an id for a row without an id: the stem of the file and a hash of address and excerpt (in seconds).

    The row number plays no part, so that rows added before a row do not change its id.

    >>> id_of("recordings/rain.wav", 1.0, 2.5)
    'rain-29b0b4635809'
    """
    stem = re.sub(r"[^a-z0-9_]+", "-", PurePosixPath(urlsplit_path(url)).stem.lower()).strip("-")[:40]
    return f"{stem or 'clip'}-{short_hash(mask_address(url), start, end)}"


def urlsplit_path(url: str) -> str:
    """Return the path of an address without its query, or the plain path itself."""
    return url.split("?", 1)[0] if "://" in url else url


def recordings_in(path: Path) -> frozenset[str]:
    """Return the names of the recordings that a table lists in its column `recording` or `url`.

    Raises:
        ValueError: the table cannot be read, or a row of it is broken or names no recording.
    """
    check_rows(path, (), ("recording", "url"))
    names = set()
    for row in read_rows(path, ("recording", "url")):
        try:
            name = name_of(row.values.get("recording"), "recording") or name_of(row.values.get("url"), "url")
        except Rejected as rejected:
            raise ValueError(f"{path}, row {row.number}: {rejected.detail}") from rejected
        if row.fault or not name:
            raise ValueError(f"{path}, row {row.number}: {row.fault or 'neither recording nor url is given'}")
        names.add(recording_of(name))
    return frozenset(names)
