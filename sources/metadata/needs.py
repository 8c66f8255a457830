"""Find the files that a source needs, below the folder of the recipe or in the cache, and say how to get those that are missing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sources.metadata.card import Download, Need, NeedKind
from sources.metadata.options import SourceOptions


def cache_folder() -> Path:
    """Return the folder for files that are fetched once and used by several builds: archives and metadata.

    It is `$LAION_AUDIO_CACHE`, or else `laion-audio` in `$XDG_CACHE_HOME` or `~/.cache`.
    """
    given = os.environ.get("LAION_AUDIO_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laion-audio"


def file_need(options: SourceOptions, path: str, what: str, step: str) -> Need:
    """Return the need of a file or folder that an entry names."""
    full = options.resolve(path)
    return Need(NeedKind.FILE, f"{what}: {path}", full if full.exists() else None, step)


def find_file(options: SourceOptions, folder: str, names: Iterable[str], download: Download | None = None) -> Path | None:
    """Return the first file there is among `names`, which may hold `*`, below `folder` or in the cache; `None` without one.

    Names are looked for in `folder` (relative to the recipe's folder) and then in the recipe's folder itself, so that a user may put all
    tables into one folder. The cache holds what `fetch_metadata` fetched.
    """
    for below in (options.resolve(folder), options.base):
        for name in names:
            matches = sorted(path for path in below.glob(name) if path.is_file()) if below.is_dir() else []
            if matches:
                return matches[0]
    cached = metadata_path(download) if download else None
    return cached if cached is not None and cached.is_file() else None


def metadata_path(download: Download) -> Path:
    """Return where the cache holds a downloaded file of metadata."""
    return cache_folder() / "metadata" / download.name
