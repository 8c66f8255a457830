"""The books of a whole folder: counted from markers and books, never from what an engine says it did."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pipeline.output.plan_files import plan_name, read_keys, read_left_out
from pipeline.output.shard_files import Marker, books_name, finished, marker_name, read_books, read_marker, tar_name
from pipeline.output.storage import Folder
from pipeline.records import ShardId, stable_hash
from pipeline.verbs.plan import LEFT_OUT, PLAN, Plan, PlannedShard
from transforms.shards.build_shards import ShardTask


@dataclass
class DatasetCounts:
    """What became of the rows of one source: `planned` = samples + rejections + rows of shards not built yet."""

    planned: int = 0
    samples: int = 0
    waiting: int = 0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)

    @property
    def rejections(self) -> int:
        """Number of rows that were refused, whatever the reason."""
        return sum(self.reasons.values())


@dataclass(frozen=True)
class Books:
    """The books of a folder: counts by dataset, shards done and planned, seconds and bytes of what is published."""

    datasets: dict[str, DatasetCounts]
    shards_done: int
    shards_planned: int
    seconds: float
    bytes: int

    @property
    def total(self) -> DatasetCounts:
        """The counts of all datasets together."""
        total = DatasetCounts()
        for counts in self.datasets.values():
            total.planned += counts.planned
            total.samples += counts.samples
            total.waiting += counts.waiting
            total.reasons += counts.reasons
        return total

    @property
    def complete(self) -> bool:
        """Whether every planned shard is there."""
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
            "total": _counts_json(self.total),
            "datasets": {name: _counts_json(counts) for name, counts in sorted(self.datasets.items())},
        }


def _counts_json(counts: DatasetCounts) -> dict[str, object]:
    return {
        "planned": counts.planned,
        "samples": counts.samples,
        "rejections": counts.rejections,
        "waiting": counts.waiting,
        "reasons": dict(sorted(counts.reasons.items())),
    }


SettingsHashOf = Callable[[str], str]
"""Dataset -> hash of everything but rows and audio that shapes the bytes of its shards."""


def inputs_sha256(planned: PlannedShard, shape: str) -> str:
    """Return the name of what a shard is made from: its rows, and the hash of everything else that shapes its bytes."""
    return stable_hash(planned.rows_sha256, shape)


def unfinished(plan: Plan, folder: Folder, settings_hash_of: SettingsHashOf) -> Iterator[ShardTask]:
    """Yield a task for every shard of the plan that is missing, or was made from something else."""
    present = set(folder.names(suffix="_stats.json"))
    for planned in plan.shards:
        source = inputs_sha256(planned, settings_hash_of(planned.shard.dataset))
        if marker_name(planned.shard) not in present or finished(folder, planned.shard, source) is None:
            yield ShardTask(planned.shard, PLAN, source, planned.n_rows)


def read_the_books(plan: Plan, folder: Folder) -> Books:
    """Return the books of a folder, from its plan and its markers."""
    datasets: dict[str, DatasetCounts] = {}
    n_done, seconds, n_bytes = 0, 0.0, 0
    for row in read_left_out(folder, f"{PLAN}/{LEFT_OUT}").group_by(["dataset", "reason"]).aggregate([([], "count_all")]).to_pylist():
        counts = datasets.setdefault(row["dataset"], DatasetCounts())
        counts.planned += row["count_all"]
        counts.reasons[row["reason"]] += row["count_all"]
    for planned in plan.shards:
        counts = datasets.setdefault(planned.shard.dataset, DatasetCounts())
        counts.planned += planned.n_rows
        marker = read_marker(folder, planned.shard)
        if marker is None:
            counts.waiting += planned.n_rows
            continue
        n_done, seconds, n_bytes = n_done + 1, seconds + marker.duration, n_bytes + marker.tar.bytes
        counts.samples += marker.n_samples
        counts.reasons.update(marker.reasons)
    return Books(datasets, n_done, len(plan.shards), seconds, n_bytes)


def missing_rows(plan: Plan, folder: Folder) -> Iterator[str]:
    """Yield the rows of the plan that no book accounts for, as `dataset/split/shard: key`; whole shards in one line."""
    for planned in plan.shards:
        if read_marker(folder, planned.shard) is None:
            yield f"{planned.shard}: not built, {planned.n_rows} rows"
            continue
        booked = collections.Counter(read_books(folder, planned.shard, ["key"])["key"].to_pylist())
        planned_keys = collections.Counter(read_keys(folder, f"{PLAN}/{plan_name(planned.shard)}"))
        yield from (f"{planned.shard}: {key} is in no book" for key in (planned_keys - booked).elements())
        yield from (f"{planned.shard}: {key} is in the books and not in the plan" for key in (booked - planned_keys).elements())


def retire_unplanned(plan: Plan, folder: Folder) -> list[str]:
    """Remove shards that the plan does not hold any more, marker first; return their names."""
    wanted = {planned.shard for planned in plan.shards}
    stale = [shard for shard in _shards_on_disk(folder) if shard not in wanted]
    for shard in stale:
        for name in (marker_name(shard), books_name(shard), tar_name(shard)):
            folder.remove(name)
    for split in {shard.folder for shard in stale} - {shard.folder for shard in wanted}:
        folder.remove_below(split)
    return [str(shard) for shard in stale]


def write_sizes(markers: Iterable[Marker], folder: Folder) -> None:
    """Write `sizes.json` of every split: {"0.tar": samples, ...}, in order of the shards."""
    splits: dict[str, dict[str, int]] = {}
    for marker in sorted(markers, key=lambda marker: marker.shard):
        splits.setdefault(marker.shard.folder, {})[f"{marker.shard.index}.tar"] = marker.n_samples
    for split, sizes in splits.items():
        name = f"{split}/sizes.json"
        if not folder.exists(name) or folder.read_json(name) != sizes:
            folder.write_json(name, sizes)


def _shards_on_disk(folder: Folder) -> list[ShardId]:
    found = set()
    for name in folder.names():
        parts = name.split("/")
        stem = parts[-1].removesuffix("_stats.json").removesuffix(".parquet").removesuffix(".tar")
        if len(parts) == 3 and stem.isdigit() and stem != parts[-1]:
            found.add(ShardId(parts[0], parts[1], int(stem)))
    return sorted(found)
