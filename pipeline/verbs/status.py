"""Count the books of an output folder from its plan and markers, never from what an engine reports.

Imports neither Beam nor pyarrow, so that `status` answers at once.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.output.layout import INDEX, PLAN, marker_name
from pipeline.output.plan_index import OutputFormatError
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.verbs.made_with import MadeWith, made_with


@dataclass
class DatasetCounts:
    """Outcomes of the rows of one dataset: `planned` = samples + rejections + `waiting`, the rows of shards not built yet."""

    planned: int = 0
    samples: int = 0
    waiting: int = 0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)

    @property
    def rejections(self) -> int:
        """Number of rejected rows, for all reasons."""
        return sum(self.reasons.values())

    def add(self, other: DatasetCounts) -> None:
        """Add the counts of another dataset."""
        self.planned += other.planned
        self.samples += other.samples
        self.waiting += other.waiting
        self.reasons.update(other.reasons)

    def to_json(self) -> dict[str, object]:
        """Return the counts as `status --json` prints them."""
        counts = {"planned": self.planned, "samples": self.samples, "rejections": self.rejections, "waiting": self.waiting}
        return counts | {"reasons": dict(sorted(self.reasons.items()))}


@dataclass(frozen=True)
class Books:
    """The books of a folder: counts by dataset, shards built and planned, seconds of audio, bytes of tars, the rows by host that are
    left for later, and the shards by the versions that they were made with."""

    datasets: dict[str, DatasetCounts]
    shards_done: int
    shards_planned: int
    seconds: float
    bytes: int
    left: collections.Counter[str] = field(default_factory=collections.Counter)
    made_with: tuple[MadeWith, ...] = ()

    @property
    def total(self) -> DatasetCounts:
        """The counts of all datasets together."""
        total = DatasetCounts()
        for counts in self.datasets.values():
            total.add(counts)
        return total

    @property
    def complete(self) -> bool:
        """Whether every planned shard is built."""
        return self.shards_done == self.shards_planned

    @property
    def balance(self) -> bool:
        """Whether every planned row is exactly one sample or one rejection."""
        total = self.total
        return self.complete and total.planned == total.samples + total.rejections

    def to_json(self) -> dict[str, object]:
        """Return the books as `status --json` prints them."""
        return {
            "balance": self.balance,
            "shards": {"done": self.shards_done, "planned": self.shards_planned},
            "hours": round(self.seconds / 3600, 4),
            "bytes": self.bytes,
            "left": dict(sorted(self.left.items())),
            "made_with": [group.to_json() for group in self.made_with],
            "total": self.total.to_json(),
            "datasets": {name: counts.to_json() for name, counts in sorted(self.datasets.items())},
        }


def snapshot_of(folder: Folder) -> Snapshot:
    """Return the snapshot of an output folder that has a plan.

    Raises:
        OutputFormatError: it has no plan, or a plan that this version cannot read.
    """
    snapshot = take_snapshot(folder)
    if snapshot.plan is None:
        raise OutputFormatError(
            f"{folder.root}: no plan here ({PLAN}/{INDEX} is missing), so this is not an output folder; name the --output of a build"
        )
    return snapshot


def unreadable_markers(snapshot: Snapshot) -> Iterator[str]:
    """Yield a line for every marker that cannot be read: its shard counts as not built."""
    for shard, why in sorted(snapshot.unreadable.items()):
        yield f"{marker_name(shard)}: cannot be read: {why}; a build makes the shard again"


def read_the_books(snapshot: Snapshot) -> Books:
    """Return the books of a folder that has a plan."""
    assert snapshot.plan is not None
    datasets: dict[str, DatasetCounts] = collections.defaultdict(DatasetCounts)
    n_done, seconds, n_bytes, left, versions = 0, 0.0, 0, collections.Counter[str](), []
    for dataset, reasons in snapshot.plan.left_out.items():
        datasets[dataset].planned += sum(reasons.values())
        datasets[dataset].reasons.update(reasons)
    for planned in snapshot.plan.shards:
        counts = datasets[planned.shard.dataset]
        counts.planned += planned.n_rows
        marker = snapshot.current_marker(planned)
        if marker is None:
            counts.waiting += planned.n_rows
            continue
        n_done, seconds, n_bytes = n_done + 1, seconds + marker.audio_seconds, n_bytes + marker.tar.bytes
        counts.samples += marker.n_samples
        counts.reasons.update(marker.reasons)
        left.update(marker.left)
        versions.append((planned.shard, marker.versions))
    return Books(dict(datasets), n_done, len(snapshot.plan.shards), seconds, n_bytes, left, made_with(versions))
