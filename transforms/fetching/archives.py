"""Fetch recordings the user already has: search `audio_root`, a folder, zip or tar, by path, file name and id."""

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

from pipeline.records import Clip, Reason, Recording, Rejected
from sources.metadata.identity import urlsplit_path
from transforms.fetching.local import local_recording

MAX_MEMBER_BYTES = 4 << 30
BLOCK = 1 << 16  # bytes
ENCRYPTED = 1  # bit of a zip member's flags
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
DAMAGES = (OSError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
"""What zipfile and tarfile raise over damaged or hostile archives."""

Archive = zipfile.ZipFile | tarfile.TarFile
Member = zipfile.ZipInfo | tarfile.TarInfo


class AudioRoot(Protocol):
    """A folder or an archive of recordings."""

    @property
    def path(self) -> Path:
        """The folder or the archive."""

    @property
    def names(self) -> dict[str, str]:
        """Every way to ask for a file -> its name inside the root; see `index`."""

    def extract(self, name: str, work: Path) -> Path:
        """Return a local file with the recording of that name, unpacked into `work` where needed."""


class AudioRootHandler:
    """Fetches recordings from the `audio_root` of their clips; leaves clips that it does not hold to other handlers.

    Args:
        base: folder that relative paths of roots start from: the recipe's.
    """

    def __init__(self, base: Path):
        self._base = base
        self._roots: dict[str, AudioRoot] = {}
        self._lock = threading.Lock()

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip has an audio_root, and the recording is in it.

        Raises:
            Rejected: as `open_audio_root`.
        """
        return clip.audio_root is not None and lookup(self._root(clip.audio_root).names, clip.id, clip.url) is not None

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return the file itself, or a copy of the archive's member below `work`.

        Raises:
            Rejected: as `ArchiveRoot.extract` and `local_recording`.
        """
        assert clip.audio_root is not None
        root = self._root(clip.audio_root)
        name = lookup(root.names, clip.id, clip.url)
        assert name is not None
        return local_recording(root.extract(name, work))

    def local_file(self, clip: Clip) -> Path:
        """Return the file in the folder, or the archive that holds it."""
        assert clip.audio_root is not None
        root = self._root(clip.audio_root)
        name = lookup(root.names, clip.id, clip.url)
        return root.path / name if isinstance(root, FolderRoot) and name is not None else root.path

    def _root(self, path: str) -> AudioRoot:
        with self._lock:  # one thread reads the list of names, the others wait for it
            if path not in self._roots:
                self._roots[path] = open_audio_root(self._base / path)
            return self._roots[path]


def open_audio_root(path: Path) -> AudioRoot:
    """Open the folder or archive at `path`, and read its list of names.

    Raises:
        Rejected: `unavailable`, when it is neither, or a compressed tar.
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
                    f"audio_root {path.name!r} is compressed ({name}), so that no member can be read without all before it: "
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
    """Return every way to ask for a file -> its name: by path, by file name, by stem. The first name in sorted order wins.

    >>> index(["wind/1.wav", "rain/1.wav"])
    {'rain/1.wav': 'rain/1.wav', 'wind/1.wav': 'wind/1.wav', '1.wav': 'rain/1.wav', '1': 'rain/1.wav'}
    """
    by_form: dict[str, str] = {}
    ordered = sorted(names)
    for form in (str, lambda name: PurePosixPath(name).name, lambda name: PurePosixPath(name).stem):
        for name in ordered:
            by_form.setdefault(form(name), name)
    return by_form


def lookup(names: dict[str, str], clip_id: str, url: str) -> str | None:
    """Return the name of the file for a clip: by its path, its file name (`%20` may be a space), or its id; `None` without one."""
    path = urlsplit_path(url)
    name = PurePosixPath(path).name
    return next((names[form] for form in (path, name, unquote(name), clip_id) if form and form in names), None)


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """A folder of recordings."""

    path: Path
    names: dict[str, str]

    def extract(self, name: str, work: Path) -> Path:
        """Return the file itself."""
        return self.path / name


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ArchiveRoot:
    """A zip or tar of recordings. A member's name is only used to look it up, never as a path to write to."""

    path: Path
    archive: Archive
    members: dict[str, Member]
    names: dict[str, str] = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", index(self.members))

    def extract(self, name: str, work: Path) -> Path:
        """Return a copy of the member below `work`; there is no file when it fails.

        Raises:
            Rejected: `corrupt` when the archive is damaged there, `too_large` or `forbidden` (encrypted) for the member.
        """
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
        """Yield the bytes of a member. Faults of the archive reject the clip; faults of the disk they are written to do not."""
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
