"""Handle files on a disk of this machine: list, link, move and flush them, and lock a folder."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout


@dataclass(frozen=True, slots=True)
class FileState:
    """Size of a file in bytes, and a text that changes when the file is replaced: its ETag, or its time and inode."""

    size: int
    version: str


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
            stat = folder.stat()
            entries = list(os.scandir(folder)) if (stat.st_dev, stat.st_ino) not in seen else []
        except (FileNotFoundError, NotADirectoryError):  # removed since, or a root that is missing
            continue
        seen.add((stat.st_dev, stat.st_ino))
        for entry in entries:
            name = f"{prefix}{entry.name}"
            try:
                if entry.is_dir():
                    waiting.append((Path(entry.path), f"{name}/"))
                elif entry.is_file():
                    stat = entry.stat()
                    yield name, FileState(stat.st_size, f"{stat.st_mtime_ns} {stat.st_ino}")
            except OSError:  # a link to itself, or a file that was removed since: no file
                continue


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
        lock.acquire(timeout=0)
    except Timeout:
        process = owner.read_text() if owner.is_file() else "unknown"
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
