"""Say which rows a build left for later, because a host is asked no more for now, and when to go on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.counted import counted
from pipeline.output.markers import Marker
from pipeline.output.snapshot import Snapshot
from pipeline.records import TRANSIENT, Reason, ShardId


@dataclass(frozen=True, slots=True)
class Paused:
    """The rows that are left for later at one host; `until` is the Unix time when it may be asked again, `None` for now."""

    host: str
    n_rows: int
    until: float | None

    def __str__(self) -> str:
        when = "" if self.until is None else f" after {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(self.until + 59))}"
        return f"paused: {counted(self.n_rows, 'row')} left for {self.host}; run the same command again{when}, or give --wait"


def paused(snapshot: Snapshot, open_at: Mapping[str, float], waiting: Iterable[Mapping[str, int]] = ()) -> tuple[Paused, ...]:
    """Return the rows that are left for later by host.

    Args:
        open_at: Unix time when each host that is stopped may be asked again.
        waiting: rows by host of shards that were left as they are until then.
    """
    n_rows = sum(map(Counter, waiting), rows_left(snapshot))
    return tuple(Paused(host, n_rows[host], open_at.get(host)) for host in sorted(n_rows))


def rows_left(snapshot: Snapshot) -> Counter[str]:
    """Return the number of rows that are left for later by host."""
    return sum((Counter(marker.left) for marker in _markers(snapshot)), Counter[str]())


def shards_to_continue(snapshot: Snapshot, stopped: Iterable[str]) -> dict[ShardId, frozenset[Reason]]:
    """Return the shards with rows that are left for later at a host which is not stopped, and the reasons that are tried again."""
    closed = set(stopped)
    return {marker.shard: TRANSIENT for marker in _markers(snapshot) if marker.left.keys() - closed}


def shards_with(snapshot: Snapshot, reasons: frozenset[Reason]) -> dict[ShardId, frozenset[Reason]]:
    """Return the shards that hold rows with one of these reasons, and the reasons."""
    return {marker.shard: reasons for marker in _markers(snapshot) if marker.reasons.keys() & reasons}


def _markers(snapshot: Snapshot) -> Iterator[Marker]:
    """Yield the markers of the planned shards that are up to date."""
    assert snapshot.plan is not None
    yield from (marker for planned in snapshot.plan.shards if (marker := snapshot.current_marker(planned)) is not None)
