"""Leave removed clips out of a plan, without a look at its sources: the result is the plan that these would give."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa

from pipeline.output.address_files import full_address, read_addresses
from pipeline.output.digests_index import read_index, write_index_of
from pipeline.output.equal_sounds_file import read_equal_sounds, write_equal_sounds
from pipeline.output.layout import EQUAL_SOUNDS, LEFT_OUT, NEW_PLAN, PLAN, RETIRED, T5_CACHE, T5_TEXTS
from pipeline.output.moved_shards import hold
from pipeline.output.new_plan import adopt, discard_new_plan
from pipeline.output.ownership import retired_shards
from pipeline.output.plan_files import (
    REJECTIONS,
    count_left_out,
    left_out_row,
    plan_line,
    read_column,
    read_keys,
    read_left_out,
    read_rows_of,
    rows_sha256,
    table_bytes,
    write_left_out,
)
from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.removals_file import Removable, Removals
from pipeline.output.shard_plan import write_shard_lines
from pipeline.output.shared_file import read_shared
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.records import Clip, Reason, Rejection, ShardId
from pipeline.verbs.removed_texts import without_texts
from transforms.planning.lay_out import close_gaps
from transforms.planning.leave_out_removed import STAGE, redacted
from transforms.planning.share_recordings import Use, shared_by, write_shared_recordings


@dataclass(frozen=True, slots=True)
class _Changed:
    """The shards with removed clips: those clips, and the clips that stay; and the shards that get another number."""

    gone: Mapping[ShardId, Sequence[Clip]]
    stay: Mapping[ShardId, Sequence[Clip]]
    renumbered: Mapping[ShardId, ShardId]

    @property
    def removed(self) -> list[Clip]:
        """All removed clips."""
        return [clip for shard in sorted(self.gone) for clip in self.gone[shard]]


def leave_removed_out(snapshot: Snapshot, removals: Removals, recipe: BuildRecipe | None) -> None:
    """Replace the plan of a folder by one without removed clips. Clips that stay keep their shards; a shard without clips goes.

    Args:
        recipe: that the plan was made from; `None` where the folder does not say.

    Raises:
        DamagedFileError, FileNotFoundError: a file of the plan is damaged or missing; nothing was changed.
    """
    folder, plan = snapshot.folder, snapshot.plan
    assert plan is not None
    changed = _changed(plan, folder, removals)
    discard_new_plan(folder)
    shards = dict(_write_shards(plan, changed, snapshot))
    _write_left_out(changed.removed, folder, removals)
    _write_shared(plan, changed, folder)
    _write_equal_sounds(changed, folder, removals)
    t5 = plan.t5
    if recipe is not None and any(f"{PLAN}/{name}" in snapshot.files for name in (T5_TEXTS, T5_CACHE)):
        t5 = without_texts(changed.removed, plan.t5, folder, recipe)
    ordered = tuple(shards[shard] for shard in sorted(shards))
    left_out = count_left_out(read_left_out(folder, NEW_PLAN))
    made = replace(plan, shards=ordered, left_out=left_out, t5=t5, removed=removals.sha256)
    if (index := read_index(folder, plan)) is not None:
        write_index_of(folder, index, made, NEW_PLAN)
    hold(folder, sorted(changed.renumbered), snapshot.files)
    retired = ({each.shard for each in plan.shards} | retired_shards(snapshot)) - shards.keys()
    if retired:
        folder.write_json(f"{NEW_PLAN}/{RETIRED}", [shard.name for shard in sorted(retired)])
    adopt(made, folder)


def _changed(plan: Plan, folder: Folder, removals: Removals) -> _Changed:
    def keys_of(shard: ShardId) -> list[str]:
        return read_keys(folder, shard)

    gone, stay, indices = {}, {}, defaultdict(set)
    with ThreadPoolExecutor(1 if folder.is_local else N_READERS) as pool:
        for planned, keys in zip(plan.shards, pool.map(keys_of, [each.shard for each in plan.shards]), strict=True):
            shard = planned.shard
            removed = {key for key in keys if removals.has(Removable.CLIP, shard.dataset, key)}
            if removed:
                clips = read_rows_of(folder, shard)
                gone[shard] = [clip for clip in clips if clip.key in removed]
                stay[shard] = [clip for clip in clips if clip.key not in removed]
            if len(removed) < len(keys):
                indices[shard.dataset, shard.split].add(shard.index)
    renumbered = {
        ShardId(*split, before): ShardId(*split, after)
        for split, of_split in indices.items()
        for before, after in close_gaps(of_split).items()
    }
    return _Changed(gone, stay, renumbered)


def _write_shards(plan: Plan, changed: _Changed, snapshot: Snapshot) -> Iterator[tuple[ShardId, PlannedShard]]:
    """Write the plan files of shards that lose clips or get another number; yield all shards of the new plan."""
    folder = snapshot.folder
    for planned in plan.shards:
        shard = planned.shard
        target = changed.renumbered.get(shard, shard)
        if target == shard and shard not in changed.gone:
            yield shard, planned
            continue
        clips = changed.stay[shard] if shard in changed.stay else read_rows_of(folder, shard)
        if clips:
            held = read_addresses(snapshot, shard)
            secret = {clip.key: full_address(clip, held) for clip in clips if full_address(clip, held) != clip.url}
            write_shard_lines(target, [plan_line(clip, clip.key) for clip in clips], secret, folder, NEW_PLAN)
            yield target, PlannedShard(target, len(clips), rows_sha256(clips))


def _write_left_out(removed: Iterable[Clip], folder: Folder, removals: Removals) -> None:
    """Write the rows that are left out of the new plan: those that were, and those of removed clips, without what names them."""
    rows = [left_out_row(Rejection(clip, Reason.REMOVED, STAGE)) for clip in removed]
    table = pa.concat_tables([read_left_out(folder).replace_schema_metadata(None), pa.Table.from_pylist(rows, REJECTIONS)])
    with folder.workspace() as work:
        write_left_out([table_bytes(redacted(table, removals))], work / "left_out.parquet")
        folder.publish(work / "left_out.parquet", f"{NEW_PLAN}/{LEFT_OUT}")


def _write_shared(plan: Plan, changed: _Changed, folder: Folder) -> None:
    """Write how many recordings splits share, where clips of shared recordings were removed."""
    listed = read_shared(folder)
    if not listed or not any(each.n_planned for each in listed):
        return
    recordings, before = {clip.recording for clip in changed.removed}, Counter[Use]()
    for planned in plan.shards:
        of_shard = read_column(folder, planned.shard, "recording")
        before.update((recording, planned.shard.folder, True) for recording in of_shard if recording in recordings)
    after = before - Counter((clip.recording, f"{clip.dataset}/{clip.split}", True) for clip in changed.removed)
    pairs = Counter({(each.first, each.second, False): each.n_read for each in listed})
    pairs.update({(each.first, each.second, True): each.n_planned for each in listed})
    pairs.subtract(shared_by(before))
    pairs.update(shared_by(after))
    write_shared_recordings(+pairs, folder, NEW_PLAN)


def _write_equal_sounds(changed: _Changed, folder: Folder, removals: Removals) -> None:
    """Write which sounds shards must leave out, without the sounds of removed clips, and under the new numbers of shards."""
    sounds = read_equal_sounds(folder)
    rows = [(shard, pcm, key) for shard, pairs in sounds.in_other_shards.items() for pcm, key in pairs]
    kept = [
        (changed.renumbered.get(shard, shard), pcm, key) for shard, pcm, key in rows if not removals.has(Removable.CLIP, shard.dataset, key)
    ]
    if kept != rows:
        with folder.workspace() as work:
            write_equal_sounds(kept, sounds.sounds_sha256, work / EQUAL_SOUNDS)
            folder.publish(work / EQUAL_SOUNDS, f"{NEW_PLAN}/{EQUAL_SOUNDS}")
