"""Tell which processes still run, by locks on single bytes of a file: a lock ends with its process, however the process ends.

A process number says less: it is given again, it means nothing in another container, and the start of a process is not to be had
everywhere. The locks hold between containers that share a disk, and end when a machine starts again.
"""

from __future__ import annotations

import fcntl
import os
import threading
from dataclasses import dataclass
from pathlib import Path

_OPEN: dict[tuple[int, str], ProcessLocks] = {}  # by process, since a fork copies this table but no locks
_OPENING = threading.Lock()


@dataclass(frozen=True)
class ProcessLocks:
    """The locks of this process on the bytes of a file. The file stays open: closing any descriptor of it would end all of them."""

    descriptor: int

    def take(self, number: int) -> None:
        """Lock a byte until this process ends.

        Raises:
            OSError: another process has locked it, or the disk has no locks.
        """
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)

    def try_take(self, number: int) -> bool:
        """Lock a byte until `give_back` or until this process ends; return whether no other process has it.

        Raises:
            OSError: the disk has no locks.
        """
        try:
            self.take(number)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def give_back(self, number: int) -> None:
        """End the lock of a byte."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, number)

    def is_taken(self, number: int) -> bool:
        """Return whether another process that runs has locked a byte. Not to be asked of a byte that this process locked."""
        if not self.try_take(number):
            return True
        self.give_back(number)
        return False


def open_process_locks(path: Path) -> ProcessLocks:
    """Return the locks of this process on a file, which is made if it is missing; the same for every call in a process.

    Raises:
        OSError: the file cannot be opened.
    """
    path = path.resolve()
    key = (os.getpid(), str(path))
    with _OPENING:
        locks = _OPEN.get(key)
        if locks is None or not _is_at(locks.descriptor, path):
            locks = _OPEN[key] = ProcessLocks(os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
        return locks


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether a path still names the file that was opened, which may have been removed since."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
