"""Lock a folder of an object store for one build. A store has no locks that end with a process, so a lock there has to be renewed.

A build writes a claim, an object of its own below `.lock`, then lists all claims. Where it sees another claim that is alive, it takes
its own back and is refused. Listings show every write that ended before them (Amazon S3 since 2020, Google Cloud Storage, and all stores
that copy them), so of two builds at least one sees the other. No conditional writes are needed: not all stores have them, and one whose
answer was lost would conflict with itself.

A claim is dead when it was not renewed for `EXPIRES_SECONDS`, or when its process ran on this machine and does not run any more. How old
it is follows from two times of the store: that of the other claim and that of our own, written a moment ago. Clocks of machines are not
compared.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import random
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.output.disk import FileState, FolderInUseError
from pipeline.output.json_values import count, mapping, parse_json, text
from pipeline.output.json_values import field as value_of
from pipeline.output.layout import LOCK
from pipeline.output.object_store import ObjectStore

RENEW_SECONDS = 30.0
EXPIRES_SECONDS = 150.0
"""A claim is renewed five times in this time: four requests in a row may fail."""
N_ATTEMPTS, YOUNG_SECONDS = 4, 5.0
"""Two builds that start together may both take their claims back. They try again while the other claim is younger than this."""
lost: list[str] = []
"""Why this process is stopped by `SIGINT`: the leases that it lost, in words. Empty where somebody pressed Ctrl-C."""
BOOT_ID, PID_NAMESPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who claims a folder, and since when, by the clock of that machine. `machine` is another text after a restart."""

    process: int = 0
    user: str = "unknown"
    host: str = "unknown"
    since: str = "unknown"
    machine: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether the process was on this machine and is not there any more."""
        return self.machine != "" and self.machine == _machine() and not Path(f"/proc/{self.process}").exists()


class Lease:
    """The lock of this build; `dead` are claims that it found dead and removed, `is_lost` says that another build took its place."""

    def __init__(self, store: ObjectStore, holder: Holder | None = None):
        self.store = store
        self.name = f"{LOCK}/{uuid.uuid4().hex}.json"
        self.holder = holder or _this_process()
        self.dead: set[str] = set()
        self.is_lost = False

    def acquire(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Claim the folder.

        Raises:
            FolderInUseError: another build has it.
        """
        for attempt in range(N_ATTEMPTS):
            self._write()
            others = self.store.listing(LOCK)
            age = {name: _seconds_between(state, others.get(self.name)) for name, state in others.items() if name != self.name}
            alive = {name: holder for name in age if (holder := self._alive(name, age[name])) is not None}
            self.dead |= age.keys() - alive.keys()
            if not alive:
                self.store.remove(self.dead)
                return
            self.store.remove([self.name])
            youngest = min(alive, key=lambda name: age[name])
            if age[youngest] > YOUNG_SECONDS or attempt == N_ATTEMPTS - 1:
                raise FolderInUseError(_in_use(self.store.root, youngest, alive[youngest], age[youngest]))
            sleep(random.uniform(0.05, 0.5) * (attempt + 1))

    def _alive(self, name: str, age: float) -> Holder | None:
        """Return the holder of a claim; `None` where the claim is dead."""
        if age > EXPIRES_SECONDS:
            return None
        try:
            holder = _holder_from(self.store.read(name))
        except FileNotFoundError:  # given back since
            return None
        return None if holder.has_ended else holder

    def renew(self) -> bool:
        """Write the claim again; return whether this build still has the folder."""
        claims = self.store.listing(LOCK)
        if self.name not in claims:
            self.is_lost = True
            return False
        self._write()
        if back := self.dead & claims.keys():  # its build was asleep, and renewed it while we removed it
            self.store.remove(back)
        return True

    def release(self) -> None:
        """Give the folder back."""
        self.store.remove([self.name])

    def _write(self) -> None:
        self.store.write(self.name, json.dumps(asdict(self.holder)).encode())


@contextlib.contextmanager
def leased(store: ObjectStore, renew_seconds: float = RENEW_SECONDS) -> Iterator[None]:
    """Hold the lock of a folder of an object store while the context lasts.

    Raises:
        FolderInUseError: another build has it; or it was taken, because this one could not renew it for too long: its machine slept, say.
    """
    lease = Lease(store)
    lease.acquire()
    ended = threading.Event()
    thread = threading.Thread(target=_keep, args=(lease, ended, renew_seconds), name="lease", daemon=True)
    thread.start()
    try:
        yield
    except KeyboardInterrupt:
        if lease.is_lost:
            lost.clear()
            raise FolderInUseError(_lost(store.root)) from None
        raise
    finally:
        ended.set()
        thread.join()
        if not lease.is_lost:
            with contextlib.suppress(OSError):  # it ends by itself
                lease.release()


def _keep(lease: Lease, ended: threading.Event, renew_seconds: float) -> None:
    """Renew a lease until it ends; where it is lost, stop this process as Ctrl-C does, since another build works in the folder."""
    renewed = time.monotonic()
    while not ended.wait(renew_seconds):
        try:
            if lease.renew():
                renewed = time.monotonic()
        except OSError:
            lease.is_lost = time.monotonic() - renewed > EXPIRES_SECONDS - RENEW_SECONDS
        if lease.is_lost:
            lost.append(_lost(lease.store.root))
            os.kill(os.getpid(), signal.SIGINT)
            return


def _in_use(root: str, claim: str, holder: Holder, age: float) -> str:
    where = f"process {holder.process} of {holder.user} on {holder.host}, since {holder.since}, last seen {max(age, 0):.0f} s ago"
    return (
        f"{root}: another build is at work here ({where}); wait for it, or stop it. If it was killed, its lock ends "
        f"{EXPIRES_SECONDS:.0f} s after it was last seen; to end it now, remove {root}/{claim}"
    )


def _lost(root: str) -> str:
    return (
        f"{root}: the lock of this build was not renewed for {EXPIRES_SECONDS:.0f} s, or somebody removed it, so another build may be at "
        "work here; run the same command again when that has ended"
    )


def _seconds_between(earlier: FileState, later: FileState | None) -> float:
    if later is None or earlier.modified is None or later.modified is None:  # a store without times: the claim stays alive
        return 0.0
    return (later.modified - earlier.modified).total_seconds()


def _holder_from(data: bytes) -> Holder:
    try:
        values = mapping(parse_json(data), "a claim")
        texts = {name: value_of(values, name, text) for name in ("user", "host", "since", "machine")}
        return Holder(value_of(values, "process", count), **texts)
    except ValueError:  # damaged, or of another version: alive until it expires
        return Holder()


def _this_process() -> Holder:
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return Holder(os.getpid(), getpass.getuser(), socket.gethostname(), since, _machine())


def _machine() -> str:
    """Return a text that no other machine or container has; "" where the system gives none, and processes cannot be looked for."""
    try:
        return f"{BOOT_ID.read_text().strip()} {PID_NAMESPACE.readlink()}"
    except OSError:
        return ""
