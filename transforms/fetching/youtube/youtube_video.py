"""Get the audio of one video with yt-dlp: it finds the address of the best stream, and its networking reads it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yt_dlp.globals import plugin_dirs
from yt_dlp.networking import Request, Response

from pipeline.records import Reason, Rejected
from transforms.fetching.youtube.audio_sections import copy_section
from transforms.fetching.youtube.remote_media import RemoteMedia, SeekableMedia
from transforms.fetching.youtube.youtube import YouTubeSettings
from transforms.fetching.youtube.youtube_needs import runtimes
from transforms.fetching.youtube.youtube_network import SafeYoutubeDL

FORMAT = "/".join(f"{best}[protocol={protocol}]" for best in ("bestaudio", "best") for protocol in ("https", "http"))
"""The best stream of audio alone, else the best film. Streams in fragments are left out: yt-dlp would need ffmpeg to join them, and
ffmpeg connects to any address."""
MARGIN = 5.0  # seconds before and after a section: decoders have the same state then as in the full file
SHORT = 1 << 20  # bytes, a minute of 128 kbit/s: what is shorter is fetched in full
MAX_LEAD = 60.0  # seconds to wait, as YouTube's player does, until a stream may be read
LIVE = frozenset({"is_live", "is_upcoming"})

plugin_dirs.value = []  # yt-dlp would import every plugin that it finds in the home folder and beside its packages


@dataclass(frozen=True, slots=True)
class Stream:
    """The audio of a video as a file that begins `offset` seconds after it; `format_id` is the host's name of the stream."""

    path: Path
    offset: float
    format_id: str
    n_bytes: int


class _Silence:
    """The logger that yt-dlp writes to: what matters comes as an error."""

    def debug(self, message: str) -> None: ...
    def info(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


def fetch_stream(
    url: str, start: float, end: float | None, folder: Path, parameters: dict[str, Any], max_bytes: int, sleep: Callable[[float], None]
) -> Stream:
    """Write the audio of a video from `start` to `end` (seconds; `None`: to its end) into a file below `folder`, or all of it.

    All of it is written where a section would not be much shorter, or where it cannot be proven at which frame a section begins.

    Raises:
        Rejected: the address is not that of one finished video, or the stream is too large.
        YoutubeDLError: all that yt-dlp raises.
        OSError: the file cannot be written.
    """
    with SafeYoutubeDL(parameters) as ydl:
        info = ydl.extract_info(url, download=False)
        _check_video(info)
        sleep(min(max((info.get("available_at") or 0.0) - time.time(), 0.0), MAX_LEAD))
        headers = {**info.get("http_headers", {}), "Accept-Encoding": "identity"}

        def open_range(first: int, last: int) -> Response:
            return ydl.urlopen(Request(info["url"], headers={**headers, "Range": f"bytes={first}-{last}"}))

        media, format_id = RemoteMedia(open_range, max_bytes, sleep), str(info.get("format_id") or "")
        head = media.head() if end is not None else None
        if end is not None and head is not None and (media.n_bytes or 0) > SHORT:
            section = folder / "section.mka"
            offset = copy_section(SeekableMedia(media, head), max(start - MARGIN, 0.0), end + MARGIN, section)
            if offset is not None:
                return Stream(section, offset, format_id, section.stat().st_size)
        return Stream(folder / "audio", 0.0, format_id, media.save(folder / "audio"))


def _check_video(info: dict[str, Any] | None) -> None:
    """Check that an address is that of one video that is not live.

    Raises:
        Rejected: `unavailable`.
    """
    if not info or not info.get("url") or info.get("_type", "video") != "video":
        raise Rejected(Reason.UNAVAILABLE, "the address is that of a list, not of a video" if info else "yt-dlp finds no video")
    if info.get("is_live") or info.get("live_status") in LIVE:
        raise Rejected(Reason.UNAVAILABLE, "the video is live now, or not yet published")


def parameters_of(settings: YouTubeSettings, cookies: Path | None, socket_timeout: float) -> dict[str, Any]:
    """Return the parameters of yt-dlp: no files but ours, no output, no programs but a JavaScript runtime, nothing that evades a limit.

    Raises:
        OSError: the file of cookies cannot be read.
        ValueError: an extractor argument in the environment is not one.
    """
    return {
        "format": FORMAT,
        "noplaylist": True,
        "extract_flat": "in_playlist",  # not of all: an address with `list=` leads to that of its video
        "playlist_items": "1",
        "cachedir": False,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silence(),
        "ffmpeg_location": "/nonexistent",
        "fixup": "never",
        "geo_bypass": False,
        "extractor_retries": 1,
        "socket_timeout": socket_timeout,
        "js_runtimes": {name: {"path": path} for name, path in runtimes().items()},
        "extractor_args": settings.arguments(),
        "proxy": settings.proxy_address(),
        # A copy in memory: yt-dlp would write the cookies of each video back into the user's file.
        "cookiefile": None if cookies is None else io.StringIO(cookies.read_text(encoding="utf-8")),
    }
