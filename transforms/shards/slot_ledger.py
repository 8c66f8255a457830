"""Keep the requests of a slot in an output folder that is not local, so that limits by time hold over workers and runs.

Shards whose hosts have limits by time are made by one worker, one after the other. Its ledger is a file on its own disk. The copy in the
output folder is written before requests are made, with some in advance. A worker that is killed then has made no request that the
copy does not count.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.keys import stable_hash
from pipeline.machine.private_folder import private_folder
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import slot_name
from pipeline.output.storage import Folder
from pipeline.records import Clip
from transforms.fetching.addresses import host_of
from transforms.fetching.fetch import Fetcher
from transforms.fetching.limits.budgets import paused_hosts
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.limits.ledger import Ledger, open_ledger

SLOT = 0
"""The only slot: more slots would have to divide the limits of each host between them, and would make no more requests together."""
MOST_RESERVED = 20
"""Requests that one copy counts in advance."""
SHARE_RESERVED = 20
"""At most one in so many of the requests that a limit allows is counted in advance: so much is lost when a worker is killed."""


class SlotLedger:
    """The ledger of a slot, and its copy in the output folder.

    Attributes:
        path: the file on this disk.
    """

    def __init__(self, folder: Folder, path: Path):
        self.folder = folder
        self.path = path
        self._reserved: Counter[str] = Counter()
        with _copied(folder, path):
            self._ledger: Ledger = open_ledger(path)
        self._ledger.before = self._reserve

    def save(self) -> None:
        """Write the copy, without requests in advance: none is made before the next copy."""
        self._reserved.clear()
        self._write()

    def _reserve(self, host: str, limits: HostLimits) -> None:
        """Write a copy that counts the next requests to a host, unless the last copy has counted this one."""
        if not limits.has_windows:
            return
        if not self._reserved[host]:
            self._reserved[host] = n_reserved(limits)
            self._write()
        self._reserved[host] -= 1

    def _write(self) -> None:
        self.folder.write(slot_name(SLOT), self._ledger.content(self._reserved))


def n_reserved(limits: HostLimits) -> int:
    """Return how many requests to a host are counted in advance.

    >>> n_reserved(HostLimits(per_minute=60, per_day=2000)), n_reserved(HostLimits(per_hour=300)), n_reserved(HostLimits(per_day=5))
    (3, 15, 1)
    """
    windows = (limits.per_minute, limits.per_hour, limits.per_day)
    return max(1, min([MOST_RESERVED, *(limit // SHARE_RESERVED for limit in windows if limit is not None)]))


def needs_slot(clips: Iterable[Clip], fetcher: Fetcher) -> bool:
    """Return whether a clip is fetched from a host with limits by time, and not from its `audio_root`."""
    hosts = fetcher.settings.budgets.hosts
    return any(hosts.limits_of(host_of(clip.url)).has_windows and not fetcher.is_at_hand(clip) for clip in clips)


@contextlib.contextmanager
def slot_ledger(folder: Folder) -> Iterator[SlotLedger]:
    """Give the ledger of the slot to this worker; its copy is written when the context ends."""
    with tempfile.TemporaryDirectory() as work:
        slot = SlotLedger(folder, Path(work) / "ledger.sqlite")
        try:
            yield slot
        finally:
            slot.save()


def paused_in_slot(folder: Folder, hosts: HostTable, now: float) -> dict[str, float]:
    """Return the hosts that are asked no more for now -> Unix time when they may be asked again; as `paused_hosts`."""
    with tempfile.TemporaryDirectory() as work, _copied(folder, Path(work) / "ledger.sqlite") as path:
        return paused_hosts(path, hosts, now)


@contextlib.contextmanager
def _copied(folder: Folder, path: Path) -> Iterator[Path]:
    """Copy the ledger of the slot to `path`, if there is one; a ledger that is damaged is named as in its folder."""
    with contextlib.suppress(FileNotFoundError):
        path.write_bytes(folder.read(slot_name(SLOT)))
    try:
        yield path
    except DamagedFileError as error:
        raise DamagedFileError(slot_name(SLOT), error.what) from error


def machine_ledger(folder: Folder) -> Path:
    """Return the file of the requests that all workers of this machine make for an output folder that is not local.

    It serves the hosts without limits by time: at most so many requests at once from each machine.
    """
    return private_folder() / f"{stable_hash(folder.root)[:16]}.sqlite"
