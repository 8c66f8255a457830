"""Fetch clips of videos with yt-dlp: one request of a host's budget a video, and never a fault of ours marked on a video."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline.masking import mask_address
from pipeline.records import LEFT_FOR_LATER, TRANSIENT, Clip, Evidence, Provenance, Reason, Recording, Rejected
from transforms.fetching.addresses import host_of, http_address
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.web.http import HEADROOM, HttpSettings, utc_now
from transforms.fetching.web.safe_sockets import DOWNLOAD_LIMITS, DownloadLimits
from transforms.fetching.youtube.youtube import ARGUMENTS, YouTubeSettings


class YouTubeHandler:
    """Fetches addresses of the hosts that `settings` name; safe to share between threads.

    Args:
        http: limits of sizes and times, and whether private addresses are allowed.
        base: the folder of the recipe, where the path of the cookies starts.
        sleep: waits that many seconds.
    """

    def __init__(
        self, settings: YouTubeSettings, http: HttpSettings, budgets: Budgets, base: Path, sleep: Callable[[float], None] = time.sleep
    ):
        self.settings = settings
        self.http = http
        self.budgets = budgets
        self.base = base
        self.sleep = sleep

    def matches(self, clip: Clip) -> bool:
        """Return whether the host of the clip's address is one that yt-dlp reads."""
        return self.settings.reads(clip)

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Write the audio of a video into a file below `work`: all of it, or a section that holds the excerpt.

        Raises:
            Rejected: with the reason; what a host says of us is `throttled` or `bot_check`.
            OSError: a file of this machine cannot be read or written.
        """
        url, host = http_address(clip.url), host_of(clip.url)
        try:
            self.settings.arguments()
        except ValueError as error:
            raise Rejected(Reason.POSTPONED, f"{ARGUMENTS} in the environment: {error}") from error
        provenance = Provenance(mask_address(url), evidence=Evidence(utc_now()))
        with self.budgets.request(host):
            try:
                recording = self._fetch(url, clip, work, provenance)
            except Rejected as rejected:
                _remove_files(work)
                if rejected.reason in LEFT_FOR_LATER:
                    self.budgets.refused(host)
                elif rejected.reason not in TRANSIENT:
                    self.budgets.answered(host)
                raise Rejected(rejected.reason, rejected.detail, provenance) from rejected
            self.budgets.answered(host)
        return recording

    def _fetch(self, url: str, clip: Clip, work: Path, provenance: Provenance) -> Recording:
        # yt-dlp takes half a second to import, so a build without videos does without.
        from yt_dlp.utils import YoutubeDLError

        from transforms.fetching.youtube.youtube_errors import rejection_of
        from transforms.fetching.youtube.youtube_video import fetch_stream, parameters_of

        http = self.http
        parameters = parameters_of(self.settings, self.settings.cookies_file(self.base), http.read_timeout)
        limits = DownloadLimits(time.monotonic() + http.total_timeout, http.max_bytes + HEADROOM, http.allow_private)
        before = DOWNLOAD_LIMITS.set(limits)
        try:
            self.sleep(self.settings.sleep)
            stream = fetch_stream(url, clip.start or 0.0, clip.end, work, parameters, http.max_bytes, self.sleep)
        except YoutubeDLError as error:
            raise rejection_of(error) from error
        finally:
            DOWNLOAD_LIMITS.reset(before)
        if not stream.n_bytes:
            raise Rejected(Reason.EMPTY, "the file has no bytes")
        # Neither size nor hash: those of a section depend on which other clips are fetched with it.
        return Recording(stream.path, replace(provenance, http_status=200, variant=stream.format_id or None), stream.offset)


def _remove_files(work: Path) -> None:
    for path in work.iterdir():
        path.unlink()
