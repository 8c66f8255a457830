"""Name the recording that a row points to. Duplicates, held-out clips and shards are found by this name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.keys import short_hash
from pipeline.masking import mask_address

FREESOUND_HOSTS = ("freesound.org", "freesound.iua.upf.edu")  # the second until 2009
FREESOUND_PAGE = re.compile(
    r"^/+(?:people/[^/]+/sounds|s|api(?:v2)?/sounds|embed/sound/iframe|(?:data/(?:\d+/)?)?(?:previews|displays|sounds|analysis)(?:/\d+)?)/+"
    r"(\d+)(?!\d)"
)
"""Paths of a sound: its page, its record in the API, its player, and its previews, pictures and originals on the hosts of files."""
YOUTUBE_HOSTS = ("youtube.com", "youtube-nocookie.com", "youtu.be", "youtube.googleapis.com", "ytimg.com")
YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}", re.ASCII)
YOUTUBE_PARAMETER = re.compile(rf"[?&#!;]v=({YOUTUBE_ID.pattern})(?![\w-])", re.ASCII)
YOUTUBE_PATH = re.compile(rf"/+(?:(?:shorts|embed|v|vi|e|live|watch)/+)?({YOUTUBE_ID.pattern})(?:[/&?#;]|$)", re.ASCII)
BARE = re.compile(rf"\s*(?:[\w-]+\.)*(?:{'|'.join(map(re.escape, (*FREESOUND_HOSTS, *YOUTUBE_HOSTS)))})\.?(?::\d+)?/", re.IGNORECASE)
"""What an address of these hosts begins with where its scheme is left out."""
PLAIN_ADDRESS = re.compile(
    rf"https://(?:youtu\.be/(?P<video>{YOUTUBE_ID.pattern})|(?:www\.)?freesound\.org/"
    r"(?:s|apiv2/sounds|people/[\w.~-]+/sounds)/(?P<sound>[1-9]\d{0,11})(?:/|/download/)?"
    r"|(?:[a-z0-9-]+\.)+[a-z]+(?P<path>/[!-\"$->@-~]*))",
    re.ASCII,
)
"""Most addresses of most tables: of a video, of a sound, or of a file on any host. They need not be taken apart to be named."""
FREESOUND_FILE = re.compile(r"(?:^|[/\\])([1-9]\d{0,7})(?:__[^/\\]+__[^/\\]+|_\d+-[hl]q)\.[A-Za-z0-9]{2,5}$", re.ASCII)
"""Names of files as Freesound gives them: `<id>__<user>__<title>.wav` of an original, `<id>_<user>-hq.mp3` of a preview."""
KNOWN_FILE = re.compile(
    r"(?:^|[/\\])(?:(?P<urbansound>[1-9]\d{0,7})-\d-\d+-\d+|[1-5]-(?P<esc>[1-9]\d{0,7})-[A-Z](?:-[1-4]?\d)?)\.[A-Za-z0-9]{2,5}$", re.ASCII
)
"""Names of files that hold the id of a Freesound sound: `<id>-<class>-<occurrence>-<slice>.wav` of UrbanSound8K (Salamon et al. 2014),
`<fold>-<id>-<take>-<target>.wav` of ESC-50 (Piczak 2015), and `<fold>-<id>-<take>.ogg` of ESC-10."""


_OTHER_HOST = re.compile(rf"(?!https://[a-z0-9.-]*(?:{'|'.join(map(re.escape, (*FREESOUND_HOSTS, *YOUTUBE_HOSTS)))})/)")


def recording_of(url: str) -> str:
    """Return the name of the recording at `url`, equal for all known addresses of the same Freesound sound or YouTube video.

    Files of Freesound, UrbanSound8K and ESC-50 have the id of a sound in their names; the last two were cut from it.
    Any other address, without its fragment, and any path is its own name.

    >>> recording_of("https://freesound.org/people/nfrae/sounds/100032/")
    'freesound:100032'
    >>> recording_of("https://youtu.be/dQw4w9WgXcQ?t=4")
    'youtube:dQw4w9WgXcQ'
    >>> recording_of("recordings/rain.wav"), recording_of("fold5/100032-3-0-0.wav"), recording_of("audio/1-100032-A-0.wav")
    ('recordings/rain.wav', 'freesound:100032', 'freesound:100032')
    """
    if match := PLAIN_ADDRESS.fullmatch(url):
        if match["video"]:
            return f"youtube:{match['video']}"
        if match["sound"]:
            return f"freesound:{match['sound']}"
        if _OTHER_HOST.match(url):
            return recording_of_file(match["path"]) or url
    try:
        parts = urlsplit(f"//{url.strip()}" if BARE.match(url) else url)
    except ValueError:  # a broken address is its own recording; the fetcher reports the fault
        return url
    host = (parts.hostname or "").rstrip(".")
    if _is_of(host, FREESOUND_HOSTS):
        old_page = parse_qs(parts.query).get("id", [""])[0] if parts.path.lower() == "/samplesviewsingle.php" else ""
        if number := (match[1] if (match := FREESOUND_PAGE.match(parts.path)) else old_page):
            return f"freesound:{int(number)}" if number.isdecimal() and number.isascii() else url
    if _is_of(host, YOUTUBE_HOSTS) and (video := _video_of(url, parts.path)):
        return f"youtube:{video}"
    if parts.scheme in {"http", "https"}:
        return recording_of_file(parts.path) or url.split("#", 1)[0]
    return recording_of_file(url) or url


def _is_of(host: str, sites: Iterable[str]) -> bool:
    return any(host == site or host.endswith(f".{site}") for site in sites)


def _video_of(url: str, path: str) -> str | None:
    """Return the id of the video that an address of YouTube leads to, also where the address is a parameter of another, or is in HTML."""
    match = YOUTUBE_PARAMETER.search(unquote(url.replace("&amp;", "&"))) or YOUTUBE_PATH.match(path)
    return match[1] if match else None


def recording_of_file(path: str) -> str | None:
    """Return the Freesound sound of a file, by its name: one of Freesound itself, or cut from it by UrbanSound8K or ESC-50.

    >>> recording_of_file("100032-3-0-0.wav"), recording_of_file("100032__nfrae__bark.wav"), recording_of_file("take-1-2.wav")
    ('freesound:100032', 'freesound:100032', None)
    """
    if match := FREESOUND_FILE.search(path):
        return f"freesound:{match[1]}"
    match = KNOWN_FILE.search(path)
    return f"freesound:{match['urbansound'] or match['esc']}" if match else None


def is_cut(path: str) -> bool:
    """Return whether a file is a part of a Freesound sound, by its name.

    >>> is_cut("fold5/100032-3-0-0.wav"), is_cut("100032__nfrae__bark.wav")
    (True, False)
    """
    return KNOWN_FILE.search(path) is not None


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
