"""Recordings the user already has: a folder, a zip or a tar, searched by file name and by id."""

from __future__ import annotations

import contextlib
import lzma
import struct
import tarfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol
from urllib.parse import unquote

from pipeline.records import Reason, Rejected
from sources.metadata.identity import urlsplit_path

MAX_MEMBER_BYTES = 4 << 30
BLOCK = 1 << 16  # bytes
ENCRYPTED = 1  # bit of a zip member's flags
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
DAMAGES = (OSError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
"""What zipfile and tarfile raise over damaged or hostile archives."""

Archive = zipfile.ZipFile | tarfile.TarFile
Member = zipfile.ZipInfo | tarfile.TarInfo


class AudioRoot(Protocol):
    """Somewhere recordings can be looked up."""

    def find(self, clip_id: str, url: str, work: Path) -> Path | None:
        """Return a local file with the recording, unpacked into `work` where needed; `None` when it is not here."""


def open_audio_root(path: Path) -> AudioRoot:
    """Return the folder or archive at `path`.

    Raises:
        Rejected: `unavailable`, when it is neither.
    """
    try:
        if path.is_dir():
            return FolderRoot(path, index(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()))
        if not path.is_file():  # opening a pipe would wait for ever
            raise FileNotFoundError("no such file or folder")
        with path.open("rb") as file:
            head = file.read(6)
        for magic, name in COMPRESSED.items():
            if head.startswith(magic):
                raise Rejected(
                    Reason.UNAVAILABLE,
                    f"audio_root {path.name!r} is compressed as a whole ({name}), so that no member can be read without all before it: "
                    "unpack it into a folder, a zip or an uncompressed tar",
                )
        return _open_archive(path)
    except DAMAGES as error:
        raise Rejected(
            Reason.UNAVAILABLE, f"audio_root {path.name!r} is neither a folder nor a zip or uncompressed tar: {error}"
        ) from error


def _open_archive(path: Path) -> ArchiveRoot:
    archive: Archive
    try:
        archive = tarfile.open(path, "r:")  # first: a zip as the last member would make the tar look like one
    except tarfile.TarError:
        archive = zipfile.ZipFile(path)
    try:
        root = ArchiveRoot(path, archive, dict(_members(archive)))
    except BaseException:
        archive.close()
        raise
    weakref.finalize(root, archive.close)
    return root


def _members(archive: Archive) -> Iterator[tuple[str, Member]]:
    """Yield the regular files of an archive with their names; of two that share a name the later one counts, as in unpacking."""
    if isinstance(archive, zipfile.ZipFile):
        yield from ((info.filename, info) for info in archive.infolist() if not info.is_dir())
    else:
        yield from ((member.name, member) for member in archive if member.isreg())


def index(names: Iterable[str]) -> dict[str, str]:
    """Return every way to ask for a file -> its name: whole path, file name, stem; of equals the first in order of names."""
    found: dict[str, str] = {}
    ordered = sorted(names)
    for form in (str, lambda name: PurePosixPath(name).name, lambda name: PurePosixPath(name).stem):
        for name in ordered:
            found.setdefault(form(name), name)
    return found


def lookup(names: dict[str, str], clip_id: str, url: str) -> str | None:
    """Return the name of the file for a clip: by its path, its file name (`%20` may be a space), or its id."""
    path = urlsplit_path(url)
    name = PurePosixPath(path).name
    return next((names[form] for form in (path, name, unquote(name), clip_id) if form and form in names), None)


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """A folder of recordings."""

    path: Path
    names: dict[str, str]

    def find(self, clip_id: str, url: str, work: Path) -> Path | None:
        """Return the file itself."""
        name = lookup(self.names, clip_id, url)
        return self.path / name if name is not None else None


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ArchiveRoot:
    """A zip or tar of recordings. A member's name only finds it; it is never used as a path to write to."""

    path: Path
    archive: Archive
    members: dict[str, Member]
    names: dict[str, str] = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", index(self.members))

    def find(self, clip_id: str, url: str, work: Path) -> Path | None:
        """Return a copy of the member below `work`; there is no file when it fails.

        Raises:
            Rejected: `corrupt` when the archive is damaged there, `too_large` or `forbidden` (encrypted) for the member.
        """
        name = lookup(self.names, clip_id, url)
        if name is None:
            return None
        target = work / "member"
        try:
            with contextlib.closing(self._blocks(self.members[name])) as blocks, target.open("wb") as copy:
                for block in blocks:
                    copy.write(block)
        except Rejected:
            target.unlink(missing_ok=True)
            raise
        return target

    def _blocks(self, member: Member) -> Generator[bytes, None, None]:
        """Yield the bytes of a member. A fault of the archive is the clip's, a fault of the disk they go to is not."""
        if isinstance(member, zipfile.ZipInfo):
            name, size, encrypted = member.filename, member.file_size, bool(member.flag_bits & ENCRYPTED)
        else:
            name, size, encrypted = member.name, member.size, False
        where = f"{self.path.name}: {PurePosixPath(name).name[:80]}"
        if encrypted:
            raise Rejected(Reason.FORBIDDEN, f"{where}: encrypted")
        if size > MAX_MEMBER_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"{where}: {size} bytes in the archive, at most {MAX_MEMBER_BYTES}")
        try:
            with self.lock, self._open(member) as file:  # one file position for all threads
                while block := file.read(BLOCK):
                    yield block
        except DAMAGES as error:
            raise Rejected(Reason.CORRUPT, f"{where}: {error}") from error

    def _open(self, member: Member) -> IO[bytes]:
        if isinstance(self.archive, zipfile.ZipFile):
            assert isinstance(member, zipfile.ZipInfo)
            return self.archive.open(member)
        assert isinstance(member, tarfile.TarInfo)
        file = self.archive.extractfile(member)
        assert file is not None  # only regular files are members
        return file
