"""Let all processes of a user on a machine run no more conversions at once than they have cores.

Engines start several Python processes on a machine, each with conversion processes of its own. A slot is a byte of a file that a process
locks: the lock ends with the process, however it ends, and a fork does not have it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.machine.cores import cores
from pipeline.machine.private_folder import private_folder
from pipeline.machine.process_locks import open_process_locks

SLOTS_FILE = "cores.lock"
ALONE = 1 << 20
"""The byte of the process that takes all slots, beyond the number of any core. Two that take slots one by one would wait for each other."""
WAIT_SECONDS = 0.01
"""Between two looks for a free slot: a conversion of ten seconds of sound takes three times as long."""


class CoreSlots:
    """One slot for each core. Make one object a process and file: the locks of a process do not exclude its own threads.

    Args:
        path: file of the locks; made if it is missing.
        numbers: of the cores that this process may use.

    Raises:
        OSError: the file cannot be opened, or its disk has no locks.
    """

    def __init__(self, path: Path, numbers: Sequence[int], wait: Callable[[float], object] = time.sleep):
        self._locks = open_process_locks(path)
        self._free = list(numbers)
        self._n_slots = len(numbers)
        self._guard = threading.Lock()
        self._wait = wait
        self._locks.is_taken(ALONE)

    @contextlib.contextmanager
    def a_slot(self) -> Iterator[None]:
        """Hold a slot; wait until there is one. Whoever holds a slot must not wait for another."""
        number = self._take()
        try:
            yield
        finally:
            self._give_back([number])

    @contextlib.contextmanager
    def all_slots(self) -> Iterator[None]:
        """Hold all slots that this process may use; wait until no other conversion runs on them."""
        while not self._locks.try_take(ALONE):
            self._wait(WAIT_SECONDS)
        held: list[int] = []
        try:
            while len(held) < self._n_slots:
                held.append(self._take())
            yield
        finally:
            self._give_back(held)
            self._locks.give_back(ALONE)

    def _take(self) -> int:
        while (number := self._try_take()) is None:
            self._wait(WAIT_SECONDS)
        return number

    def _try_take(self) -> int | None:
        with self._guard:
            number = next((number for number in self._free if self._locks.try_take(number)), None)
            if number is not None:
                self._free.remove(number)
            return number

    def _give_back(self, numbers: Sequence[int]) -> None:
        with self._guard:
            for number in numbers:
                self._locks.give_back(number)
                self._free.append(number)


def machine_slots() -> CoreSlots | None:
    """Return the slots of this machine; `None` where its temporary folder has no locks: each process then counts for itself."""
    return _slots_of(os.getpid())


@functools.cache
def _slots_of(pid: int) -> CoreSlots | None:
    try:
        return CoreSlots(private_folder() / SLOTS_FILE, cores())
    except OSError:
        return None
