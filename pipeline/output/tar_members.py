"""Read the members of a tar one by one, without believing its headers.

`tarfile` forgives what readers of shards trip over (links, sparse members, a second archive behind the end of the first), and takes as
much memory as a header asks for. Here nothing is read that the file does not hold.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

RECORD = tarfile.RECORDSIZE
FIELDS = ("mode", "uid", "gid", "mtime", "uname", "gname", "linkname", "devmajor", "devminor")
WITHOUT_DATA = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
MAX_SHOWN = 120  # characters of a name

FLAC = b"fLaC"  # what FLAC begins with


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a tar: where its data starts, and the number of bytes; a member that is no file has none."""

    name: str
    at: int
    size: int

    @property
    def key(self) -> str:
        """The name without its ending."""
        return self.name.rpartition(".")[0]

    @property
    def ending(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Flaw:
    """What a build would not have written, and the name of the member it is in; empty for the tar itself."""

    name: str
    what: str


def tar_members(file: IO[bytes]) -> Iterator[Member | Flaw]:
    """Yield the members of a tar, and what is wrong with its headers, its padding and its end; stops where it cannot be read on."""
    at, n_bytes = 0, file.seek(0, os.SEEK_END)
    while True:
        file.seek(at)
        header = file.read(tarfile.BLOCKSIZE)
        if len(header) < tarfile.BLOCKSIZE:
            yield Flaw("", f"the file ends after {n_bytes} bytes, and the end of the archive is missing")
            return
        if not any(header):
            yield from _end_flaws(file, at, n_bytes)
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            yield Flaw("", f"not a tar from byte {at} on ({error})")
            return
        yield from (Flaw(info.name, what) for what in _header_flaws(info, header))
        at += tarfile.BLOCKSIZE
        size = 0 if info.type in WITHOUT_DATA else info.size
        if not 0 <= size <= n_bytes - at:
            yield Flaw(info.name, f"its header gives {size} bytes, the file has {n_bytes - at} more")
            return
        yield Member(info.name, at, size)
        padding = -size % tarfile.BLOCKSIZE
        file.seek(at + size)
        if any(file.read(padding)):
            yield Flaw(info.name, "bytes that are not zero follow it")
        at += size + padding


def members_of_damaged(file: IO[bytes]) -> Iterator[Member]:
    """Yield the members of a tar that may be damaged: beyond a header that cannot be read, the next block that is a header counts.

    Where FLAC follows a block that is no header, its name and size are not known: a member with an empty name and size 0.
    """
    at, n_bytes = 0, file.seek(0, os.SEEK_END)
    while at + tarfile.BLOCKSIZE <= n_bytes:
        file.seek(at)
        header, begin = file.read(tarfile.BLOCKSIZE), file.read(len(FLAC))
        at += tarfile.BLOCKSIZE
        member = _member(header, at, n_bytes)
        if member is not None:
            yield member
            at += member.size + -member.size % tarfile.BLOCKSIZE
        elif begin == FLAC and any(header):
            yield Member("", at, 0)


def _member(header: bytes, at: int, n_bytes: int) -> Member | None:
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return None
    return Member(info.name, at, info.size) if info.type == tarfile.REGTYPE and 0 <= info.size <= n_bytes - at else None


def shown_name(name: str) -> str:
    """Return the name of a member, short enough for a line."""
    return name if len(name) <= MAX_SHOWN else f"{name[: MAX_SHOWN - 3]}..."


def _header_flaws(info: tarfile.TarInfo, header: bytes) -> Iterator[str]:
    """Yield how a header differs from that which a build writes for a member of this name and size."""
    plain = tarfile.TarInfo(info.name)
    plain.size = info.size
    if info.type != tarfile.REGTYPE:
        yield f"is a member of type {info.type.decode('latin-1')!r}, not a file"
        return
    try:
        if plain.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape") == header:
            return
    except ValueError as error:
        yield f"its header cannot be that of a sample ({error})"
        return
    values = [f"{field} {shown_name(repr(getattr(info, field)))}" for field in FIELDS if getattr(info, field) != getattr(plain, field)]
    yield f"its header has {', '.join(values)}" if values else "its header is not ustar as a build writes it"


def _end_flaws(file: IO[bytes], at: int, n_bytes: int) -> Iterator[Flaw]:
    """Yield what is wrong with the end of an archive, which starts at `at`: zeros up to a full record, and then nothing."""
    end = -(-(at + 2 * tarfile.BLOCKSIZE) // RECORD) * RECORD
    file.seek(at)
    if any(file.read(end - at)):
        yield Flaw("", "bytes that are not zero follow the end of the archive")
    if n_bytes > end:
        yield Flaw("", f"{n_bytes - end} bytes follow the end of the archive")
    elif n_bytes < end:
        yield Flaw("", f"{end - n_bytes} bytes are missing at the end of the archive")
