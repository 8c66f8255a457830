"""Say which files and folders a source needs, where the cache is, and how to get what is missing."""

from __future__ import annotations

import os
from pathlib import Path

from sources.metadata.card import Download, Need, NeedKind
from sources.metadata.options import SourceOptions
from sources.metadata.store_files import address_of


def cache_folder() -> Path:
    """Return the folder for files that are fetched once and used by several builds: archives and metadata.

    It is `$LAION_AUDIO_CACHE`, or else `laion-audio` in `$XDG_CACHE_HOME` or `~/.cache`.
    """
    given = os.environ.get("LAION_AUDIO_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laion-audio"


def metadata_path(download: Download) -> Path:
    """Return where the cache holds a downloaded file of metadata."""
    return cache_folder() / "metadata" / download.name


def file_need(options: SourceOptions, path: str, what: str, step: str) -> Need:
    """Return the need of a file or folder that an entry names."""
    full = options.resolve(path)
    return Need(NeedKind.FILE, f"{what}: {path}", full if full.exists() else None, step)


def audio_folder(options: SourceOptions, folder: str, *names: str) -> str | None:
    """Return where recordings are looked for first: the `audio_root` of the entry, else the first folder of a publisher that is there.

    Args:
        folder: that of the official files.
        names: folders below it, as the publisher's archives unpack.
    """
    if options.audio_root is not None:
        return options.audio_root
    return next((path for name in names if options.resolve(path := f"{folder}/{name}").is_dir()), None)


def audio_need(options: SourceOptions, folder: str, names: tuple[str, ...], what: str, step: str, is_required: bool = False) -> Need:
    """Return the need of recordings: the `audio_root` of the entry, or one of `names`, which may hold `*`, below `folder`.

    A plan is made without them, so most are not required: in a build each clip without its recording becomes a rejection.
    """
    if options.audio_root is not None:
        root = options.base / options.audio_root
        is_address = "://" in options.audio_root or address_of(root) is not None
        given: Path | str | None = options.audio_root if is_address else root if root.exists() else None
        return Need(NeedKind.AUDIO, f"{what}: {options.audio_root}", given, step, is_required=is_required)
    matches = (path for name in names for path in sorted(options.resolve(folder).glob(name)))
    where = f": {' or '.join(names)} in {folder}" if names else ""
    return Need(NeedKind.AUDIO, f"{what}{where}", next(matches, None), step, is_required=is_required)
