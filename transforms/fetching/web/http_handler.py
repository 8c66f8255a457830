"""Fetch the recordings of clips that have an http(s) address."""

from __future__ import annotations

from pathlib import Path

from pipeline.records import Clip, Recording, Rejected
from transforms.fetching.addresses import scheme_of
from transforms.fetching.web.error_pages import check_no_page
from transforms.fetching.web.http import HttpClient
from transforms.fetching.web.zipped_recording import unzipped


class HttpHandler:
    """Fetches http(s) addresses."""

    def __init__(self, client: HttpClient):
        self._client = client

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip has an http(s) address."""
        return scheme_of(clip.url) in {"http", "https"}

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Download the recording into `work`; take it out of its zip where it comes in one.

        Raises:
            Rejected: as `HttpClient.download`; `not_audio` for a page of text; as `unzipped`.
        """
        recording = self._client.download(clip.url, work)
        try:
            check_no_page(recording.path)
            return unzipped(recording, self._client.settings.max_bytes)
        except Rejected as rejected:
            recording.path.unlink(missing_ok=True)
            raise Rejected(rejected.reason, rejected.detail, recording.provenance) from rejected
