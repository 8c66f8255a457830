"""A cache of archives for tests that fetch and unpack nothing."""

from __future__ import annotations

from pathlib import Path

from transforms.fetching.roots.archive_cache import ArchiveCache
from transforms.fetching.web.partial_download import PartialDownload


def _refuse(partial: PartialDownload, url: str, seconds: float) -> None:
    raise AssertionError(f"{url} is fetched")


UNUSED = ArchiveCache(Path("/no such folder"), _refuse)
