"""Compare a new plan with the samples that stand in its folder: which of them it drops, and which it puts into other shards."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.output.layout import NEW_PLAN, PLAN, plan_name
from pipeline.output.parquet_files import read_table
from pipeline.output.plan_files import CLIPS, read_left_out
from pipeline.output.plan_index import Plan
from pipeline.output.standing import Excerpt, Standing
from pipeline.output.storage import Folder
from pipeline.records import ShardId

EXCERPT = ("key", "url", "start", "end")
MAX_LINES = 5  # shards that a message names


class DroppedSamplesError(ValueError):
    """A new plan does not hold samples that stand; the message says how many. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What a new plan changes in a folder.

    `dropped` counts by shard the samples whose rows are in the plan no more, `seconds` is their duration, `moved` are the shards that
    have samples of which the plan makes parts of other shards. `unreadable` are the shards of unknown content that the plan drops.
    """

    dropped: Mapping[ShardId, int]
    seconds: float
    moved: tuple[ShardId, ...]
    unreadable: tuple[ShardId, ...]

    def check(self) -> None:
        """Accept a change that drops nothing.

        Raises:
            DroppedSamplesError: it drops samples, or shards of unknown content.
        """
        if not self.dropped and not self.unreadable:
            return
        n_samples, n_shards = sum(self.dropped.values()), len(self.dropped)
        lines = [f"this would remove {n_samples} samples ({_duration(self.seconds)}) from {n_shards} shards; nothing was changed:"]
        lines += [f"  {shard.name}: {n} samples" for shard, n in list(self.dropped.items())[:MAX_LINES]]
        lines += [f"  {shard.name}: its books cannot be read, so all of its samples" for shard in self.unreadable[:MAX_LINES]]
        n_more = len(self.dropped) + len(self.unreadable) - len(lines) + 1
        lines += [f"  and {n_more} more shards"] if n_more > 0 else []
        raise DroppedSamplesError("\n".join(lines))


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 360 else f"{seconds:.1f} seconds"


def compare(plan: Plan, standing: Standing, folder: Folder) -> PlanChange:
    """Compare a new plan with what stands. Files that are not in the folder of new plans are those of the previous plan.

    Reads no file that is not needed.
    """
    planned = {each.shard for each in plan.shards}
    files = _PlanFiles(folder)
    leaving, held = list(_leaving(standing, planned, files)), list(_only_held(standing))
    unreadable = tuple(sorted(standing.unreadable - planned))
    if not leaving and not held:
        return PlanChange({}, 0.0, (), unreadable)
    elsewhere = _Elsewhere({excerpt[0] for _, samples in (*leaving, *held) for excerpt in samples}, plan, files)
    dropped, seconds = collections.Counter[ShardId](), 0.0
    for shard, samples in (*leaving, *held):
        gone = [excerpt for excerpt in samples if not elsewhere.has(shard.dataset, excerpt)]
        if gone:
            dropped[shard] += len(gone)
            seconds += sum(samples[excerpt] for excerpt in gone)
    moved = tuple(shard for shard, samples in leaving if any(elsewhere.moves(shard, excerpt) for excerpt in samples))
    return PlanChange(dict(sorted(dropped.items())), seconds, moved, unreadable)


class _PlanFiles:
    """The files of a new plan: in the folder of new plans, or as they are in the previous plan."""

    def __init__(self, folder: Folder):
        self.folder = folder
        self._new = frozenset(folder.names(NEW_PLAN, ".parquet"))

    def excerpts(self, shard: ShardId) -> Iterator[Excerpt]:
        """Return the key, address and excerpt of each row of a shard."""
        name = f"{NEW_PLAN}/{plan_name(shard)}"
        table = read_table(self.folder, name if name in self._new else f"{PLAN}/{plan_name(shard)}", CLIPS, EXCERPT)
        return zip(*(table[name].to_pylist() for name in EXCERPT), strict=True)


def _leaving(standing: Standing, planned: set[ShardId], files: _PlanFiles) -> Iterator[tuple[ShardId, Mapping[Excerpt, float]]]:
    """Yield the samples of each shard that are not in the shard of the same name in the new plan, by key, address and excerpt."""
    for shard, each in sorted(standing.shards.items()):
        stay = set(files.excerpts(shard)) if shard in planned else set()
        samples = {excerpt: seconds for excerpt, seconds in each.samples.items() if excerpt not in stay}
        if samples:
            yield shard, samples


def _only_held(standing: Standing) -> Iterator[tuple[ShardId, Mapping[Excerpt, float]]]:
    """Yield the samples that stand in no shard any more, since an interrupted build had not yet copied them to their new shards."""
    keys = {(shard.dataset, excerpt[0]) for shard, each in standing.shards.items() for excerpt in each.samples}
    excerpts = {excerpt for each in standing.shards.values() for excerpt in each.samples}
    for shard, each in sorted(standing.held.items()):
        samples = {
            excerpt: seconds
            for excerpt, seconds in each.samples.items()
            if excerpt not in excerpts and (shard.dataset, excerpt[0]) not in keys
        }
        if samples:
            yield shard, samples


class _Elsewhere:
    """The rows of a new plan that have one of some keys, and the rows that it leaves out with a reason."""

    def __init__(self, keys: set[str], plan: Plan, files: _PlanFiles):
        self._datasets = frozenset({each.shard.dataset for each in plan.shards} | plan.left_out.keys())
        self._planned: dict[tuple[str, str], ShardId] = {}  # (dataset, key) -> shard
        self._excerpts: set[Excerpt] = set()  # of any dataset
        for each in plan.shards:
            for excerpt in files.excerpts(each.shard):
                if excerpt[0] in keys:
                    self._planned[each.shard.dataset, excerpt[0]] = each.shard
                    self._excerpts.add(excerpt)
        table = read_left_out(files.folder, NEW_PLAN)
        left_out = zip(table["dataset"].to_pylist(), table["key"].to_pylist(), strict=True)
        self._left_out = {row for row in left_out if row[1] in keys}

    def has(self, dataset: str, excerpt: Excerpt) -> bool:
        """Return whether the new plan has the row of a sample, in another dataset if its own is gone, or leaves it out with a reason."""
        row = dataset, excerpt[0]
        return row in self._left_out or row in self._planned or (dataset not in self._datasets and excerpt in self._excerpts)

    def moves(self, shard: ShardId, excerpt: Excerpt) -> bool:
        """Return whether a sample that leaves its shard is part of another shard of the new plan, of another dataset maybe."""
        return self._planned.get((shard.dataset, excerpt[0]), shard) != shard or excerpt in self._excerpts
