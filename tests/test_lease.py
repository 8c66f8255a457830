"""The lock of a folder in a store: one build has it, a dead one loses it, and no clock but the store's counts."""

from __future__ import annotations

import datetime
import os
import signal
import time
from collections.abc import Iterator

import fsspec
import pytest

from pipeline.output import lease as lease_module
from pipeline.output.disk import FileState, FolderInUseError
from pipeline.output.lease import EXPIRES_SECONDS, Holder, Lease, leased
from pipeline.output.object_store import ObjectStore

ELSEWHERE = Holder(4711, "ann", "node-7", "2026-01-01 00:00:00 UTC", "another machine")


class AgedStore(ObjectStore):
    """A store that lists some claims as older than they are, by seconds."""

    ages: dict[str, float]

    def listing(self, below: str = "") -> dict[str, FileState]:
        states = super().listing(below)
        for name, seconds in self.ages.items():
            if name in states and (at := states[name].modified) is not None:
                states[name] = FileState(1, "x", modified=at - datetime.timedelta(seconds=seconds))
        return states


@pytest.fixture
def store() -> Iterator[AgedStore]:
    store = AgedStore("memory://leases")
    store.ages = {}
    yield store
    fsspec.filesystem("memory").store.clear()


def acquire(store: ObjectStore, holder: Holder | None = None) -> Lease:
    lease = Lease(store, holder)
    lease.acquire(sleep=lambda seconds: None)
    return lease


def test_a_second_build_learns_who_has_the_folder_since_when_and_what_to_do(store: AgedStore) -> None:
    first = acquire(store, ELSEWHERE)
    store.ages = {first.name: 12.0}
    who = r"another build is at work here \(process 4711 of ann on node-7, since 2026-01-01 00:00:00 UTC, last seen 12 s ago\)"
    with pytest.raises(
        FolderInUseError, match=rf"^memory://leases: {who}; wait for it, or stop it\. .*remove memory://leases/{first.name}$"
    ):
        acquire(store)
    assert list(store.listing()) == [first.name]  # the claim of the second is gone
    first.release()
    acquire(store)


def test_of_builds_that_start_together_one_gets_the_folder(store: AgedStore) -> None:
    first, second = Lease(store, ELSEWHERE), Lease(store, ELSEWHERE)
    first._write()

    def meanwhile(_: float) -> None:
        first.release()

    second.acquire(sleep=meanwhile)
    assert list(store.listing()) == [second.name]


def test_a_claim_that_is_not_renewed_ends(store: AgedStore) -> None:
    first = acquire(store, ELSEWHERE)
    store.ages = {first.name: EXPIRES_SECONDS - 1}
    with pytest.raises(FolderInUseError):
        acquire(store)
    store.ages = {first.name: EXPIRES_SECONDS + 1}
    second = acquire(store, ELSEWHERE)
    assert not first.renew() and first.is_lost
    assert second.renew() and list(store.listing()) == [second.name]


def test_a_claim_that_comes_back_is_removed_again(store: AgedStore) -> None:
    first = acquire(store, ELSEWHERE)
    store.ages = {first.name: EXPIRES_SECONDS + 1}
    second = acquire(store, ELSEWHERE)
    first._write()  # it had looked before the second removed it
    assert second.renew()
    assert not first.renew()


def test_the_claim_of_a_killed_process_of_this_machine_ends_at_once(store: AgedStore) -> None:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    acquire(store, Holder(process, machine=lease_module._machine()))
    acquire(store)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"process": -1}'])
def test_a_damaged_claim_counts_until_it_expires(data: bytes, store: AgedStore) -> None:
    store.write(".lock/x.json", data)
    with pytest.raises(FolderInUseError, match="process 0 of unknown"):
        acquire(store)
    store.ages = {".lock/x.json": EXPIRES_SECONDS + 1}
    acquire(store)


def test_a_lease_is_renewed_while_it_is_held_and_given_back(store: AgedStore) -> None:
    with leased(store, renew_seconds=0.01):
        (name,) = store.listing()
        before = store.listing()[name].modified
        deadline = time.monotonic() + 5
        while store.listing()[name].modified == before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert store.listing()[name].modified != before
    assert store.listing() == {}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_build_that_lost_its_lease_stops(store: AgedStore) -> None:
    with pytest.raises(FolderInUseError, match="another build may be at work here"), leased(store, renew_seconds=0.01):
        store.remove(list(store.listing()))
        time.sleep(5)  # until it is stopped
