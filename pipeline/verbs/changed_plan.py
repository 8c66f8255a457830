"""Write the files of a plan that a difference changes, and return its new index. The other files stay as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.masking import is_masked
from pipeline.output.address_files import full_address, read_addresses
from pipeline.output.layout import NEW_PLAN, PLAN, plan_name
from pipeline.output.plan_files import count_left_out, plan_line, read_left_out, read_rows_of, rows_sha256
from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.shard_plan import write_shard_lines
from pipeline.output.shared_file import read_shared
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.records import Clip, ShardId
from pipeline.verbs.changed_left_out import change_left_out
from transforms.planning.added_rows import AddedRows
from transforms.planning.plan_difference import OtherPlanError, PlanDifference, ShardChange
from transforms.planning.share_recordings import Pair, write_shared_recordings


def change_plan(fingerprint: str, plan: Plan, change: PlanDifference, added: AddedRows, snapshot: Snapshot) -> Plan:
    """Write what changes in a plan into the folder of new plans, and return the new plan.

    Raises:
        OtherPlanError: the plan is not that of its rows, or a full address is not held any more.
        DamagedFileError, FileNotFoundError: a file of the plan is damaged or missing.
    """
    folder, shards = snapshot.folder, {each.shard: each for each in plan.shards}
    missing = [shard.name for shard in shards if f"{PLAN}/{plan_name(shard)}" not in snapshot.files]
    if missing:
        raise OtherPlanError(f"{missing[0]}: its plan file is missing")
    for shard, of_shard in change.shards.items():
        clips = _changed_clips(shards.pop(shard, None), of_shard, folder)
        if clips:
            shards[shard] = _write_shard(shard, clips, snapshot, frozenset(clip.key for clip in of_shard.added))
    rows_read = _rows_read(plan, added)
    rows_read.subtract(change_left_out(change, added, folder))
    write_shared_recordings(_shared(change.shared, folder), folder, NEW_PLAN)
    left_out = count_left_out(read_left_out(folder, NEW_PLAN))
    ordered = tuple(shards[shard] for shard in sorted(shards))
    made = Plan(fingerprint, ordered, dict(sorted((+rows_read).items())), left_out, removed=plan.removed)
    if made.n_read != made.n_clips + made.n_left_out:
        raise OtherPlanError(f"{made.n_read} rows were read, {made.n_clips} planned, {made.n_left_out} left out")
    return made


def _changed_clips(planned: PlannedShard | None, change: ShardChange, folder: Folder) -> list[Clip]:
    """Return the clips that a shard has after a change, sorted."""
    clips = read_rows_of(folder, planned.shard) if planned else []
    if planned and rows_sha256(clips) != planned.rows_sha256:
        raise OtherPlanError(f"{planned.shard}: its plan file has other rows than {PLAN} says")
    return sorted([*_without(clips, change.removed), *change.added], key=lambda clip: clip.shard_sort_key)


def _without(clips: Iterable[Clip], removed: Sequence[Clip]) -> Iterator[Clip]:
    left = Counter(plan_line(clip, clip.key) for clip in removed)
    for clip in clips:
        line = plan_line(clip, clip.key) if left else ""
        if left[line]:
            left[line] -= 1
        else:
            yield clip
    if +left:
        raise OtherPlanError("a shard of the plan does not have the rows that it was made from")


def _write_shard(shard: ShardId, clips: Sequence[Clip], snapshot: Snapshot, added: frozenset[str]) -> PlannedShard:
    """Write the plan file of a shard, and the full addresses of its clips: of the `added` ones as they have them, else as they are held."""
    folder, held = snapshot.folder, read_addresses(snapshot, shard)
    addresses = {clip.key: clip.full_url if clip.key in added else full_address(clip, held) for clip in clips}
    if any(is_masked(clip.url) and addresses[clip.key] == clip.url for clip in clips):
        raise OtherPlanError(f"{shard}: a full address is not held any more")
    secret = {clip.key: address for clip in clips if (address := addresses[clip.key]) not in {"", clip.url}}
    write_shard_lines(shard, [plan_line(clip, clip.key) for clip in clips], secret, folder, NEW_PLAN)
    return PlannedShard(shard, len(clips), rows_sha256(clips))


def _rows_read(plan: Plan, added: AddedRows) -> Counter[str]:
    """Return the rows by dataset, with those that were added and those that are rejected now."""
    counts = Counter(plan.rows_read)
    counts.update(clip.dataset for clip in added.after)
    counts.subtract(Counter(clip.dataset for clip in added.before))
    for number, n_rows in added.rejected.items():
        counts[added.rejected_rows[number][0]] += n_rows
    return counts


def _shared(change: Mapping[Pair, int], folder: Folder) -> Counter[Pair]:
    """Return the counts of shared recordings after a change."""
    listed = read_shared(folder)
    if listed is None:
        raise OtherPlanError("the plan does not say which recordings are shared")
    pairs = Counter({(each.first, each.second, False): each.n_read for each in listed})
    pairs.update({(each.first, each.second, True): each.n_planned for each in listed})
    pairs.update(change)
    return +pairs
