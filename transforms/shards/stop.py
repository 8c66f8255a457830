"""Stop a build between two shards: the shards in hand are finished, and no other one is begun.

It works where threads of this process make the shards, since they look here before each of them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class StoppedError(RuntimeError):
    """A build stopped between two shards, because the user asked it to; run again, it goes on."""


class StopRequest:
    """Whether this process should stop after the shards in hand, and how many those are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_heard = self._is_wanted = False
        self._n_in_hand = 0

    @contextlib.contextmanager
    def heard(self, is_heard: bool) -> Iterator[None]:
        """Hear requests while the context lasts; a request outside of it is refused.

        Raises:
            StoppedError: at the end, if it was asked to stop.
        """
        self._is_heard, self._is_wanted = is_heard, False
        try:
            yield
        finally:
            self._is_heard = False
        if self._is_wanted:
            raise StoppedError

    def ask(self) -> int | None:
        """Ask to stop. Return the number of shards in hand; `None` where no thread looks for it, or it was asked before.

        It takes no lock: the handler of a signal calls it in a thread that may hold the lock.
        """
        if not self._is_heard or self._is_wanted:
            return None
        self._is_wanted = True
        return self._n_in_hand

    @contextlib.contextmanager
    def shard(self) -> Iterator[bool]:
        """Count a shard in hand while the context lasts; give whether it may be made."""
        with self._lock:
            may_be_made = not self._is_wanted
            self._n_in_hand += may_be_made
        try:
            yield may_be_made
        finally:
            with self._lock:
                self._n_in_hand -= may_be_made


stop_request = StopRequest()
"""That of this process."""
