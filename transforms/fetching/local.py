"""Fetch recordings from the user's own disk: paths relative to the recipe, in the folders that the recipe allows."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from pipeline.records import Clip, Provenance, Reason, Recording, Rejected
from sources.metadata.folder_files import is_below
from sources.metadata.local_paths import ADDRESS, FolderListings, is_there
from transforms.fetching.addresses import scheme_of
from transforms.fetching.folders import LocalFolders

MAX_NAME_SHOWN = 80  # characters
MAX_LOCAL_BYTES = 16 << 30  # of a recording: a day of 16 bits stereo at 48 kHz
BLOCK = 1 << 18  # bytes, which stay in the cache of a core
NO_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
DESCRIPTORS = "/proc/self/fd"  # on Linux, links to the files that this process has open
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class LocalHandler:
    """Fetches files from the disk."""

    def __init__(self, folders: LocalFolders):
        self._folders = folders
        self._allowed = folders.allowed
        self._reach = resolved(self._allowed)
        self._listings = FolderListings()

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip names a path; a name like "Scene: night.wav" is one when the file is there."""
        if not clip.url or ADDRESS.match(clip.url):
            return False
        return scheme_of(clip.url) is None or self._find(clip) is not None

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return the file itself; nothing is copied to `work`.

        Raises:
            Rejected: `ambiguous`, or as `local_recording`.
        """
        return local_recording(self._path(clip), self._reach)

    def local_file(self, clip: Clip) -> Path | None:
        """Return the file; `None` when it may not be read."""
        try:
            path = self._path(clip)
            check_reach(path, self._reach)
        except Rejected:
            return None
        return path

    def _path(self, clip: Clip) -> Path:
        """Return the path of the file, which may lie where none may be read; no folder there is searched for files with similar names."""
        path = self._folders.base / clip.url
        exact = os.path.normpath(path.absolute())
        if is_there(Path(exact)):
            return Path(exact)
        check_reach(path, self._reach)
        return self._find(clip) or path

    def _find(self, clip: Clip) -> Path | None:
        return self._listings.find(self._folders.base.absolute() / clip.url, self._allowed)


def resolved(folders: Sequence[Path]) -> tuple[str, ...]:
    """Return folders as absolute paths without links."""
    return tuple(os.path.realpath(folder) for folder in folders)


def check_reach(path: Path, reach: Sequence[str]) -> Path:
    """Return where a path leads to on this disk, through all links.

    Args:
        reach: resolved folders.

    Raises:
        Rejected: `unsafe_address` when that is not below one of the folders, whether the file is there or not; `not_found` for a name
            that no file can have.
    """
    name = path.name[:MAX_NAME_SHOWN]
    try:
        real = os.path.realpath(path)
    except ValueError as error:  # a NUL
        raise Rejected(Reason.NOT_FOUND, f"{name!r} is not a file name") from error
    if not is_below(real, reach):
        raise Rejected(
            Reason.UNSAFE_ADDRESS,
            f"{name!r} lies outside of the folders of recipe, table and audio_root; local_files of the recipe allows other folders",
        )
    return Path(real)


def local_recording(path: Path, reach: Sequence[str] | None = None) -> Recording:
    """Return a file on this disk as a recording. It is opened once, and what was opened is checked.

    Args:
        reach: resolved folders that the file must lie in; `None` for a file that this program chose.

    Raises:
        Rejected: `not_found`; `not_audio` for folders, pipes and devices; `forbidden` when the file may not be read; `too_large`;
            `unsafe_address`, as `check_reach`.
    """
    name = path.name[:MAX_NAME_SHOWN]
    try:
        real = path if reach is None else check_reach(path, reach)
        _check_regular(real.stat(), name)  # before it is opened: opening a device may have effects
        descriptor = os.open(real, NO_WAITING | (0 if reach is None else NO_LINK))
        try:
            opened = os.fstat(descriptor)
            _check_regular(opened, name)
            if reach is not None and not _is_at(descriptor, opened, real, reach):
                raise Rejected(Reason.UNSAFE_ADDRESS, f"{name!r} was replaced while it was opened")
            return Recording(real, _provenance(descriptor, opened.st_size, name))
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Rejected(Reason.NOT_FOUND, f"no file {name!r}") from error
    except PermissionError as error:
        raise Rejected(Reason.FORBIDDEN, f"{name!r} may not be read by this user") from error
    except OSError as error:  # a name too long, a loop of links, a dead disk
        raise Rejected(Reason.NOT_FOUND, f"{name!r} cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a name with a NUL
        raise Rejected(Reason.NOT_FOUND, f"{name!r} is not a file name") from error


def _is_at(descriptor: int, opened: os.stat_result, real: Path, reach: Sequence[str]) -> bool:
    """Return whether an open file is that at a path without links: no folder above it was replaced by a link before it was opened."""
    with contextlib.suppress(OSError):
        if Path(f"{DESCRIPTORS}/{descriptor}").readlink() == real:  # one call; to resolve the path takes one for each folder in it
            return True
    return os.path.samestat(opened, check_reach(real, reach).stat())


def _check_regular(facts: os.stat_result, name: str) -> None:
    """Check that a file is a regular one, and not too large to be read to its end."""
    if not stat.S_ISREG(facts.st_mode):  # opening a pipe would wait for ever, reading a device might never end
        kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "a pipe or a device"
        raise Rejected(Reason.NOT_AUDIO, f"{name!r} is {kind}, not a file")
    if facts.st_size > MAX_LOCAL_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"{name!r} has {facts.st_size} bytes, at most {MAX_LOCAL_BYTES}")


def _provenance(descriptor: int, size: int, name: str) -> Provenance:
    """Return size and hash of an open file; reject one that does not end where it says, as the files of `/proc`."""
    digest, n_bytes = hashlib.sha256(), 0
    block = memoryview(bytearray(min(BLOCK, size + 1)))  # one for all reads: new memory costs as much as a read
    while n_read := os.readv(descriptor, [block]):
        digest.update(block[:n_read])
        n_bytes += n_read
        if n_bytes > size:
            raise Rejected(Reason.NOT_AUDIO, f"{name!r} holds more bytes than its size says; a file that is being written is not read")
    return Provenance(n_bytes=n_bytes, sha256=digest.hexdigest())
