"""Read the list of members of an uncompressed tar, and the bytes of its members."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from transforms.fetching.roots.archive_members import BLOCK, BoundedFile, Member

MAX_HEADER_BYTES = 1 << 20  # of one member
MAX_MEMBERS = 5_000_000
MAX_LINKS = 8  # in a row


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


def open_tar(file: BoundedFile) -> tarfile.TarFile | None:
    """Return a file as a tar; `None` when it does not begin like one."""
    file.budget = MAX_HEADER_BYTES
    try:
        return tarfile.open(fileobj=file, mode="r:")
    except tarfile.ReadError:
        return None


def tar_members(archive: tarfile.TarFile, file: BoundedFile) -> tuple[dict[str, Member], list[tuple[str, str]]]:
    """Return the regular files of a tar, and its links as the files they lead to. Of equal names the later counts, as in unpacking."""
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
        result = by_path.get(os.path.normpath(target))
        if result is not None:
            added[name] = members[result]
        elif name not in members:
            left_out.append((name, "a link that leads to no member"))
    for name, member in added.items():
        members.setdefault(name, member)
    return left_out
