"""Recordings the user already has: a folder, a zip or a tar, searched by file name and by id."""

from __future__ import annotations

import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from pipeline.records import Reason, Rejected
from sources.identity import urlsplit_path

MAX_MEMBER_BYTES = 4 << 30


class AudioRoot(Protocol):
    """Somewhere recordings can be looked up."""

    def find(self, clip_id: str, url: str, work: Path) -> Path | None:
        """Return a local file with the recording, unpacked into `work` where needed; `None` when it is not here."""


def open_audio_root(path: Path) -> AudioRoot:
    """Return the folder or archive at `path`.

    Raises:
        Rejected: `unavailable`, when it is neither.
    """
    if path.is_dir():
        return FolderRoot(path, index(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()))
    try:
        if zipfile.is_zipfile(path):
            archive = zipfile.ZipFile(path)
            return ArchiveRoot(path, index(info.filename for info in archive.infolist() if not info.is_dir()), archive)
        bundle = tarfile.open(path, "r:")  # uncompressed: a member can be read without all before it
        return ArchiveRoot(path, index(member.name for member in bundle if member.isreg()), bundle)
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise Rejected(
            Reason.UNAVAILABLE, f"audio_root {path.name!r} is neither a folder nor a zip or uncompressed tar: {error}"
        ) from error


def index(names: Iterable[str]) -> dict[str, str]:
    """Return every way to ask for a file -> its name: whole path, file name, stem; of equals the first in order of names."""
    found: dict[str, str] = {}
    ordered = sorted(names)
    for form in (str, lambda name: PurePosixPath(name).name, lambda name: PurePosixPath(name).stem):
        for name in ordered:
            found.setdefault(form(name), name)
    return found


def lookup(names: dict[str, str], clip_id: str, url: str) -> str | None:
    """Return the name of the file for a clip: by its path, its file name, or its id."""
    path = urlsplit_path(url)
    wanted = (path, PurePosixPath(path).name, clip_id)
    return next((names[form] for form in wanted if form and form in names), None)


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """A folder of recordings."""

    path: Path
    names: dict[str, str]

    def find(self, clip_id: str, url: str, work: Path) -> Path | None:
        """Return the file itself."""
        name = lookup(self.names, clip_id, url)
        return self.path / name if name is not None else None


@dataclass(frozen=True, slots=True)
class ArchiveRoot:
    """A zip or tar of recordings. A member's name only finds it; it is never used as a path to write to."""

    path: Path
    names: dict[str, str]
    archive: zipfile.ZipFile | tarfile.TarFile
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, clip_id: str, url: str, work: Path) -> Path | None:
        """Return a copy of the member below `work`.

        Raises:
            Rejected: `corrupt` when the archive is damaged there, `too_large` when the member is.
        """
        name = lookup(self.names, clip_id, url)
        if name is None:
            return None
        target = work / "member"
        try:
            with self.lock, target.open("wb") as copy:  # one file position for all threads
                self._copy(name, copy)
        except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, RuntimeError, NotImplementedError) as error:
            raise Rejected(Reason.CORRUPT, f"{self.path.name}: {PurePosixPath(name).name}: {error}") from error
        return target

    def _copy(self, name: str, copy: IO[bytes]) -> None:
        if isinstance(self.archive, zipfile.ZipFile):
            size, member = self.archive.getinfo(name).file_size, self.archive.open(name)
        else:
            size, extracted = self.archive.getmember(name).size, self.archive.extractfile(name)
            assert extracted is not None  # only regular files are in the index
            member = extracted
        if size > MAX_MEMBER_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"{PurePosixPath(name).name}: {size} bytes in the archive, at most {MAX_MEMBER_BYTES}")
        with member:
            shutil.copyfileobj(member, copy)
