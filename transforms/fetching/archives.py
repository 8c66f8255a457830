"""Read recordings out of a zip or an uncompressed tar. Its list of members is read once; memory and time are bounded for any archive."""

from __future__ import annotations

import contextlib
import io
import lzma
import os
import struct
import tarfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from pipeline.records import Reason, Rejected
from sources.metadata.file_names import FileNames
from sources.metadata.recording_names import may_be_recording

MAX_MEMBER_BYTES = 4 << 30
MAX_INDEX_BYTES = 256 << 20  # of a zip's list of members: more than a million members have
MAX_HEADER_BYTES = 1 << 20  # of one member of a tar
MAX_MEMBERS = 5_000_000
MAX_DICTIONARY = 128 << 20  # bytes of memory that an LZMA decoder takes
MAX_LINKS = 8  # in a row, of a tar
BLOCK = 1 << 16  # bytes
SMALL_BLOCK = 1 << 12  # bytes of bzip2 or LZMA, which zipfile expands without a limit: to 100 MB at most
ENCRYPTED, UTF8 = 1, 0x800  # bits of a zip member's flags
UNICODE_PATH = 0x7075  # extra field of a zip member; APPNOTE 6.3.9, section 4.6.9
DAMAGES = (OSError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
"""What zipfile and tarfile raise over damaged or hostile archives."""


class BoundedFile(io.BufferedReader):
    """A file that raises ValueError when more than `budget` bytes are read; `None`: as many as wanted."""

    budget: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes."""
        if self.budget is None:
            return super().read(size)
        wanted = -1 if size is None else size
        if wanted > self.budget:
            raise ValueError("a header is longer than any that an archive of recordings needs")
        data = super().read(wanted if wanted >= 0 else self.budget + 1)
        self.budget -= len(data)
        if self.budget < 0:
            raise ValueError("the list of members is longer than any that is read")
        return data


class Member(Protocol):
    """A member of an archive: where it is, how long it is, how its bytes are read."""

    @property
    def offset(self) -> int:
        """Where it begins; links to a member have its offset."""

    @property
    def size(self) -> int:
        """Length in bytes, as the archive says."""

    def blocks(self, file: BoundedFile, lock: threading.Lock) -> Iterator[bytes]:
        """Yield its bytes.

        Raises:
            Rejected: it may not be read, or takes too much memory.
        """


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ArchiveRoot:
    """A zip or tar of recordings. A member's name is only used to look it up, never as a path to write to.

    `repeated` has the names that several members with other content share; `left_out` has (name, why).
    """

    path: Path
    file: BoundedFile
    members: Mapping[str, Member]
    repeated: frozenset[str] = frozenset()
    left_out: tuple[tuple[str, str], ...] = ()
    names: FileNames = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        names = FileNames(self.members, lambda name: self.members[name].offset, may_be_recording)
        object.__setattr__(self, "names", names)

    def find(self, path: str, is_address: bool) -> str | None:
        """Return the name of the member that a path means; `None` without one."""
        return self.names.find(path, is_address)

    def local_file(self, name: str) -> Path:
        """Return the archive."""
        return self.path

    def extract(self, name: str, work: Path) -> Path:
        """Return a copy of the member below `work`; there is no file when it fails.

        Raises:
            Rejected: `corrupt` when the archive is damaged there; `too_large`, `limit_exceeded` (memory), `forbidden` (encrypted) or
                `ambiguous` (several members of that name) for the member.
        """
        if name in self.repeated:
            raise Rejected(Reason.AMBIGUOUS, f"{self.path.name} has several members {name[-80:]!r} with other content")
        target = work / "member"
        try:
            with contextlib.closing(self._blocks(name)) as blocks, target.open("wb") as copy:
                for block in blocks:
                    copy.write(block)
        except Rejected:
            target.unlink(missing_ok=True)
            raise
        return target

    def _blocks(self, name: str) -> Generator[bytes, None, None]:
        """Yield the bytes of a member. Faults of the archive reject the clip; faults of the disk they are written to do not."""
        member, where = self.members[name], f"{self.path.name}: {PurePosixPath(name).name[:80]}"
        if member.size > MAX_MEMBER_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"{where}: {member.size} bytes in the archive, at most {MAX_MEMBER_BYTES}")
        try:
            yield from member.blocks(self.file, self.lock)
        except Rejected as rejected:
            raise Rejected(rejected.reason, f"{where}: {rejected.detail}") from rejected
        except DAMAGES as error:
            raise Rejected(Reason.CORRUPT, f"{where}: {error}") from error


def open_archive(path: Path) -> ArchiveRoot:
    """Open an archive and read its list of members.

    Raises:
        OSError, ValueError, tarfile.TarError, zipfile.BadZipFile: it is no archive, damaged or hostile: one of `DAMAGES`.
    """
    file = BoundedFile(io.FileIO(path))
    try:
        root = _read_archive(path, file)
    except BaseException:
        file.close()
        raise
    weakref.finalize(root, file.close)
    return root


def _read_archive(path: Path, file: BoundedFile) -> ArchiveRoot:
    try:
        members, left_out = _tar_members(file)  # first: a zip as the last member would make the tar look like one
    except tarfile.ReadError:
        file.seek(0)
        members, repeated = _zip_members(file)
        return ArchiveRoot(path, file, members, repeated)
    return ArchiveRoot(path, file, members, frozenset(), tuple(left_out))


@dataclass(frozen=True, slots=True)
class Span:
    """A member of a tar: its bytes stand in the archive as they are."""

    offset: int
    size: int

    def blocks(self, file: BoundedFile, lock: threading.Lock) -> Iterator[bytes]:
        """Yield its bytes."""
        for first in range(self.offset, self.offset + self.size, BLOCK):
            wanted = min(BLOCK, self.offset + self.size - first)
            block = os.pread(file.fileno(), wanted, first)
            if len(block) < wanted:
                raise EOFError("the archive ends before this member does")
            yield block


@dataclass(frozen=True, slots=True)
class SparseMember:
    """A member of a tar whose zeros are left out."""

    archive: tarfile.TarFile
    info: tarfile.TarInfo

    @property
    def offset(self) -> int:
        """Where it begins."""
        return self.info.offset

    @property
    def size(self) -> int:
        """Length in bytes with its zeros."""
        return self.info.size

    def blocks(self, file: BoundedFile, lock: threading.Lock) -> Iterator[bytes]:
        """Yield its bytes."""
        with lock:  # one file position for all threads
            content = self.archive.extractfile(self.info)
            assert content is not None
            while block := content.read(BLOCK):
                yield block


def _tar_members(file: BoundedFile) -> tuple[dict[str, Member], list[tuple[str, str]]]:
    """Return the regular files of a tar, and its links as the files they lead to. Of equal names the later counts, as in unpacking."""
    file.budget = MAX_HEADER_BYTES
    archive = tarfile.open(fileobj=file, mode="r:")
    members: dict[str, Member] = {}
    links: dict[str, str] = {}
    last = -1
    while True:
        file.budget = MAX_HEADER_BYTES
        info = archive.next()
        archive.members = []  # type: ignore[attr-defined]  # a million of them would take a gigabyte
        if info is None:
            break
        if info.offset <= last or len(members) + len(links) >= MAX_MEMBERS:
            raise ValueError("its members overlap" if info.offset <= last else f"it has more than {MAX_MEMBERS} members")
        last = info.offset
        if info.isreg():
            members[info.name] = SparseMember(archive, info) if info.issparse() else Span(info.offset_data, info.size)
        elif info.islnk() or info.issym():
            links[info.name] = info.linkname if info.islnk() else os.path.normpath(f"{PurePosixPath(info.name).parent}/{info.linkname}")
    file.budget = None
    return members, _follow(links, members)


def _follow(links: Mapping[str, str], members: dict[str, Member]) -> list[tuple[str, str]]:
    """Add to the members of a tar the links that lead to one of them; return the other links, with why."""
    by_path = {os.path.normpath(name): name for name in members}
    added, left_out = {}, []
    for name in links:
        target = name
        for _ in range(MAX_LINKS):
            target = links.get(target, target)
        found = by_path.get(os.path.normpath(target))
        if found is not None:
            added[name] = members[found]
        elif name not in members:
            left_out.append((name, "a link that leads to no member"))
    for name, member in added.items():
        members.setdefault(name, member)
    return left_out


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a zip."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    @property
    def offset(self) -> int:
        """Where its header begins."""
        return self.info.header_offset

    @property
    def size(self) -> int:
        """Length in bytes after unpacking, as the archive says; what is longer is cut there and has a wrong checksum."""
        return self.info.file_size

    def blocks(self, file: BoundedFile, lock: threading.Lock) -> Iterator[bytes]:
        """Yield its bytes."""
        if self.info.flag_bits & ENCRYPTED:
            raise Rejected(Reason.FORBIDDEN, "encrypted")
        with lock:  # one file position for all threads
            if self.info.compress_type == zipfile.ZIP_LZMA and (size := self._dictionary(file)) > MAX_DICTIONARY:
                raise Rejected(Reason.LIMIT_EXCEEDED, f"needs {size} bytes of memory to unpack, at most {MAX_DICTIONARY}")
            step = SMALL_BLOCK if self.info.compress_type in {zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA} else BLOCK
            with self.archive.open(self.info) as content:
                while block := content.read(step):
                    yield block

    def _dictionary(self, file: BoundedFile) -> int:
        """Return the bytes of memory that the LZMA properties of the member ask for. APPNOTE 6.3.9, section 5.8.8."""
        file.seek(self.info.header_offset)
        n_name, n_extra = struct.unpack("<26xHH", file.read(30))
        file.seek(n_name + n_extra, os.SEEK_CUR)
        return int(struct.unpack("<4xxI", file.read(9))[0])


def _zip_members(file: BoundedFile) -> tuple[dict[str, Member], frozenset[str]]:
    """Return the files of a zip by every reading of their names, and the names of several members with other content."""
    file.budget = MAX_INDEX_BYTES
    archive = zipfile.ZipFile(file)
    file.budget = None
    members: dict[str, Any] = {}
    repeated = set()
    for info in archive.infolist():
        if info.is_dir():
            continue
        for name in zip_names(info):
            other = members.setdefault(name, ZipMember(archive, info)).info
            if (other.CRC, other.file_size) != (info.CRC, info.file_size):
                repeated.add(name)
    return members, frozenset(repeated)


def zip_names(info: zipfile.ZipInfo) -> list[str]:
    """Return the names that a member of a zip may have: many programs write UTF-8 without saying so, others a code page of DOS."""
    if info.flag_bits & UTF8 or info.filename.isascii():
        return [info.filename]
    names = [info.filename]  # zipfile reads code page 437
    raw = info.filename.encode("cp437")
    with contextlib.suppress(UnicodeDecodeError):
        names.insert(0, raw.decode())
    with contextlib.suppress(struct.error, UnicodeDecodeError):
        extra = info.extra
        while len(extra) >= 4:
            kind, size = struct.unpack("<HH", extra[:4])
            if kind == UNICODE_PATH and struct.unpack("<xI", extra[4:9])[0] == zlib.crc32(raw):
                names.insert(0, extra[9 : 4 + size].decode())
            extra = extra[4 + size :]
    return list(dict.fromkeys(names))
