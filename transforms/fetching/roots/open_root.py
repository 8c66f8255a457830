"""Open the folder or archive that an `audio_root` of a recipe names: a path, or an address."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.records import Evidence, Reason, Rejected
from sources.metadata.file_names import FileNames
from sources.metadata.folder_files import list_folder
from sources.metadata.recording_names import may_be_recording
from sources.metadata.store_files import STORES
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots.archive_cache import ArchiveCache
from transforms.fetching.roots.archives import DAMAGES, ArchiveRoot, open_archive
from transforms.fetching.roots.folder_root import FolderRoot
from transforms.fetching.roots.remote_root import RemoteRoot, open_remote_root
from transforms.fetching.roots.root_addresses import HTTP, is_archive, local_root, root_scheme
from transforms.fetching.roots.unpacking import kind_of


def open_root(text: str, folders: LocalFolders, cache: ArchiveCache) -> FolderRoot | ArchiveRoot | RemoteRoot:
    """Open an `audio_root` as the recipe has it; an archive with an address is fetched first.

    Raises:
        Rejected: as `open_local_root`, `ArchiveCache.fetched` and `open_remote_root`.
    """
    text = folders.root_address(text)
    scheme = root_scheme(text)
    if scheme in HTTP or (scheme in STORES and is_archive(text)):
        return _open_fetched(text, cache)
    if scheme in STORES:
        return open_remote_root(text)
    try:
        return open_local_root(local_root(text, folders.base), cache, folders.allowed)
    except ValueError as error:
        raise Rejected(Reason.UNAVAILABLE, f"audio_root: {error}") from error


def open_local_root(
    path: Path, cache: ArchiveCache, allowed: tuple[Path, ...] = (), evidence: Evidence | None = None
) -> FolderRoot | ArchiveRoot:
    """Open the folder or archive at `path`, and read its list of names.

    Args:
        cache: where compressed tars and 7z archives are unpacked.
        allowed: folders outside of a folder that its links may lead to.
        evidence: what was recorded of an archive when it was fetched.

    Raises:
        Rejected: `unavailable`, when it is neither; as `ArchiveCache.unpacked`.
    """
    try:
        if path.is_dir():
            files = list_folder(path, allowed)
            names = FileNames(files.names, lambda name: os.path.realpath(path / name), may_be_recording)
            return FolderRoot(path, names, files.left_out)
        if not path.is_file():  # opening a pipe would wait for ever
            raise FileNotFoundError("no such file or folder")
        return open_archive(cache.unpacked(path) if kind_of(path) else path, path, evidence)
    except DAMAGES as error:
        raise Rejected(Reason.UNAVAILABLE, f"audio_root {path.name!r} is neither a folder nor a zip, tar or 7z: {error}") from error


def _open_fetched(text: str, cache: ArchiveCache) -> FolderRoot | ArchiveRoot:
    cached = cache.fetched(text)
    try:
        return open_local_root(cached.path, cache, (), cached.evidence)
    except Rejected as rejected:
        if rejected.reason == Reason.UNAVAILABLE:  # it may have been damaged on the way
            cache.forget(text, rejected)
        raise
