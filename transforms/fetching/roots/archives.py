"""Read recordings out of a zip, a split zip or an uncompressed tar. Its list of members is read once; memory and time are bounded."""

from __future__ import annotations

import contextlib
import io
import lzma
import struct
import tarfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline.records import Evidence, Reason, Rejected
from sources.metadata.file_names import FileNames
from sources.metadata.recording_names import may_be_recording
from transforms.fetching.roots.archive_members import BoundedFile, Member
from transforms.fetching.roots.split_zip import n_parts_of, open_split
from transforms.fetching.roots.tar_members import open_tar, tar_members
from transforms.fetching.roots.zip_members import zip_members

MAX_MEMBER_BYTES = 4 << 30
DAMAGES = (OSError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
"""What zipfile and tarfile raise over damaged or hostile archives."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ArchiveRoot:
    """A zip or tar of recordings. A member's name is only used to look it up, never as a path to write to.

    `repeated` has the names that several members with other content share; `left_out` has (name, why). `evidence` is what was recorded of
    an archive when it was fetched, `None` for one that the user has.
    """

    path: Path
    file: BoundedFile
    members: Mapping[str, Member]
    repeated: frozenset[str] = frozenset()
    left_out: tuple[tuple[str, str], ...] = ()
    evidence: Evidence | None = None
    names: FileNames = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        names = FileNames(self.members, lambda name: self.members[name].offset, may_be_recording)
        object.__setattr__(self, "names", names)

    def find(self, path: str, is_address: bool) -> str | None:
        """Return the name of the member that a path means; `None` without one."""
        return self.names.find(path, is_address)

    def local_file(self, name: str) -> Path | None:
        """Return the archive; `None` where it was fetched."""
        return self.path if self.evidence is None else None

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
        member, shown = self.members[name], PurePosixPath(name).name[:80]
        where = f"{self.path.name}: {shown if shown.isprintable() else repr(shown)}"
        if member.size > MAX_MEMBER_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"{where}: {member.size} bytes in the archive, at most {MAX_MEMBER_BYTES}")
        try:
            yield from member.blocks(self.file, self.lock)
        except Rejected as rejected:
            raise Rejected(rejected.reason, f"{where}: {rejected.detail}") from rejected
        except DAMAGES as error:
            raise Rejected(Reason.CORRUPT, f"{where}: {error}") from error


def open_archive(path: Path, shown: Path | None = None, evidence: Evidence | None = None) -> ArchiveRoot:
    """Open an archive and read its list of members.

    Args:
        path: a tar, a zip, or the last part of a split zip, whose other parts are beside it.
        shown: the archive that `path` was made from; messages name it.
        evidence: what was recorded of it when it was fetched.

    Raises:
        OSError, ValueError, tarfile.TarError, zipfile.BadZipFile: it is no archive, damaged or hostile: one of `DAMAGES`.
    """
    n_parts = n_parts_of(path)
    file = BoundedFile(open_split(path, n_parts) if n_parts > 1 else io.FileIO(path))
    try:
        root = _read_archive(shown or path, file, evidence)
    except BaseException:
        file.close()
        raise
    weakref.finalize(root, file.close)
    return root


def _read_archive(path: Path, file: BoundedFile, evidence: Evidence | None) -> ArchiveRoot:
    tar = open_tar(file)  # first: a zip as the last member would make the tar look like one
    if tar is not None:
        members, left_out = tar_members(tar, file)
        return ArchiveRoot(path, file, members, frozenset(), tuple(left_out), evidence)
    file.seek(0)
    members, repeated = zip_members(file)
    return ArchiveRoot(path, file, members, repeated, (), evidence)
