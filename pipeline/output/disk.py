"""Handle files on a disk of this machine: list, link, move and flush them, and lock a folder."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.output.damage import DamagedFileError


@dataclass(frozen=True, slots=True)
class FileState:
    """Size of a file in bytes, and a text that changes when the file is replaced: its ETag, or its time and inode.

    A store also says when an object was written, by its own clock, and of many objects the MD5 ("" where it does not).
    """

    size: int
    version: str
    md5: str = ""
    modified: datetime | None = None

    def holds(self, data: bytes) -> bool:
        """Return whether the file is known to hold these bytes, without reading it."""
        return self.size == len(data) and self.md5 == md5(data, usedforsecurity=False).hexdigest()


ENDING_SECONDS = 5.0
"""How long the lock of a process that was killed is waited for: processes that it had just started hold it for a moment."""
held_locks: set[int] = set()
"""Descriptors of the locks that this process holds. A process that works for it may inherit them: the lock then lasts as long as both."""


class FolderInUseError(Exception):
    """Another build is running in the same folder."""


def local_files(root: Path) -> Iterator[tuple[str, FileState]]:
    """Yield name and state of every file below a local folder. Links to folders, on other disks say, are followed, each folder once."""
    seen, waiting = set[tuple[int, int]](), [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            state = folder.stat()
            entries = list(os.scandir(folder)) if (state.st_dev, state.st_ino) not in seen else []
        except (FileNotFoundError, NotADirectoryError):  # removed since, or a root that is missing
            continue
        seen.add((state.st_dev, state.st_ino))
        for entry in entries:
            name = f"{prefix}{entry.name}"
            try:
                if entry.is_dir():
                    waiting.append((Path(entry.path), f"{name}/"))
                elif entry.is_file():
                    state = entry.stat()
                    yield name, FileState(state.st_size, f"{state.st_mtime_ns} {state.st_ino}")
            except OSError:  # a link to itself, or a file that was removed since: no file
                continue


def checked_file(path: Path, name: str, max_bytes: int | None = None) -> Path:
    """Return a path that may be read. Refuse what would block a reader for ever or fill the memory: a pipe, a device, a hole.

    Args:
        name: in the output folder, for messages.
        max_bytes: the largest size that is read at once.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it is no file, or too large.
    """
    try:
        state = path.stat()
    except NotADirectoryError as error:
        raise DamagedFileError(name, "a file has the name of its folder") from error
    if stat.S_ISDIR(state.st_mode):
        raise DamagedFileError(name, "it is a folder, not a file")
    if not stat.S_ISREG(state.st_mode):
        raise DamagedFileError(name, "it is a device or a pipe, not a file")
    if max_bytes is not None and state.st_size > max_bytes:
        raise DamagedFileError(name, f"it has {state.st_size} bytes")
    return path


def link_or_copy(file: Path, target: Path) -> None:
    """Give a file a second name: as a hard link, or as a copy where the disk has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def move(file: Path, target: Path) -> None:
    """Rename a file, also to another disk, where it is copied and flushed under a temporary name first."""
    try:
        file.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy = target.with_name(f".{target.name}.part")
        shutil.copyfile(file, copy)
        flush(copy)
        copy.replace(target)
        file.unlink()


def flush(file: Path) -> None:
    """Write a file to the disk, so that it is complete there before it is renamed."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


@contextlib.contextmanager
def locked(lock_file: Path, folder: str) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends; its file is removed afterwards.

    Args:
        folder: the name of what is locked, for messages.

    Raises:
        FolderInUseError: another running process has the lock.
    """
    lock, owner = FileLock(lock_file), lock_file.with_name(f"{lock_file.name}.owner")
    try:
        lock.acquire(timeout=ENDING_SECONDS if _has_ended(_read_owner(owner)) else 0)
    except Timeout:
        process = _read_owner(owner)
        raise FolderInUseError(f"{folder}: another build is at work here (process {process}); wait for it, or stop it") from None
    descriptor = lock._context.lock_file_fd  # the library has no other name for it
    assert descriptor is not None
    held_locks.add(descriptor)
    try:
        owner.write_text(str(os.getpid()))
        yield
    finally:
        held_locks.discard(descriptor)
        owner.unlink(missing_ok=True)
        lock_file.unlink(missing_ok=True)  # while it is held: a process that opened it before sees that it is gone
        lock.release()


def _read_owner(owner: Path) -> str:
    try:
        return owner.read_text()
    except FileNotFoundError:
        return "unknown"


def _has_ended(process: str) -> bool:
    """Return whether a process of this machine, given as its number, runs no more."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OverflowError, PermissionError):
        return False
    return False
