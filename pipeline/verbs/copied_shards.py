"""Write shards again without removed clips: what stays in them is copied, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from pipeline.keys import stable_hash
from pipeline.output.books import CLIP_COLUMNS, SAMPLE, read_books
from pipeline.output.columns import record_from
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import marker_name, names_of, tar_name
from pipeline.output.markers import read_marker
from pipeline.output.moved_shards import held_folder, held_shards
from pipeline.output.plan_files import read_rows_of, rows_sha256
from pipeline.output.removals_file import Removable, Removals
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.output.tar_members import members_of_damaged
from pipeline.records import Clip, ShardId
from pipeline.verbs.rounds import planned_shards, shard_task
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.shards.copy_shard import Origin, copied_from, copy_shard
from transforms.shards.previous_shard import PreviousShard, audio_request_hash, read_previous_shard
from transforms.shards.rows_left import left_for_later
from transforms.shards.shard_task import SettingsHashOf, ShardTask


class ShardCopies:
    """The shards of a folder that hold removed clips, planned ones (`shards`) and those held for clips that moved."""

    def __init__(self, snapshot: Snapshot, removals: Removals, settings_hash_of: SettingsHashOf, hosts: Mapping[str, HostLimits]):
        self.folder = snapshot.folder
        self.removals = removals
        self.settings_hash_of = settings_hash_of
        self.hosts = HostTable(hosts)
        self.snapshot = snapshot
        self.planned = {planned.shard: planned for planned in planned_shards(snapshot)}

    @cached_property
    def shards(self) -> list[ShardId]:
        """The planned shards that hold removed clips, and those without a marker, which a kill in a store may leave.

        Only shards that are not as the plan says are looked at.
        """
        standing = self.snapshot.shards()
        changed = [shard for shard in standing if shard in self.planned and self.snapshot.current_marker(self.planned[shard]) is None]
        return [shard for shard in changed if marker_name(shard) not in self.snapshot.files or self._has_removed(self.folder, shard)]

    @cached_property
    def _held(self) -> Mapping[str, list[ShardId]]:
        return held_shards(self.snapshot.files)

    def _has_removed(self, folder: Folder, shard: ShardId) -> bool:
        return any(self.removals.has(Removable.CLIP, shard.dataset, key) for key in _keys_of(folder, shard))

    def copy(self, shard: ShardId) -> bool | None:
        """Write a planned shard without its removed clips; return whether this could be done, `None` where it holds none and was left.

        It then is what the plan says, or, where it waits for clips or audio that it does not have yet, a build still makes it.
        """
        clips, task = read_rows_of(self.folder, shard), shard_task(self.planned[shard], self.settings_hash_of, self.snapshot.equal_sounds)
        with self.folder.workspace() as work:
            own, sources = read_previous_shard(self.folder, shard, work), [(self.folder, shard)]
            sources += self._holders(shard, {clip.key for clip in clips} - own.rows.keys())
            standing = [own, *(read_previous_shard(*source, work) for source in sources[1:])]
            earlier = copied_from(clips, standing)
            stay = [clip for clip in clips if clip.key in earlier]
            if not own.rows or any(
                row["status"] == SAMPLE and key not in earlier and self._stays(shard, key) for key, row in own.rows.items()
            ):
                return False if self._has_removed(self.folder, shard) else None
            used = (source for source, each in zip(sources, standing, strict=True) if any(each is other for other in earlier.values()))
            origin = Origin.of(read_marker(*next(used, sources[0])))
            left = left_for_later(((clip, earlier[clip.key].rows[clip.key]) for clip in stay), self.hosts)
            task = self._task(task, clips, stay, earlier)
            copy_shard(task, stay, earlier, replace(origin, left=left), self.folder, work, "remove", loses_clips=True)
        return True

    def _stays(self, shard: ShardId, key: str) -> bool:
        return not self.removals.has(Removable.CLIP, shard.dataset, key)

    def _task(self, task: ShardTask, clips: Sequence[Clip], stay: Sequence[Clip], earlier: Mapping[str, PreviousShard]) -> ShardTask:
        """Return what the marker of a copy says: the inputs of the plan, or some of no plan, so that a build makes the shard."""
        settings_hash = self.settings_hash_of(task.shard.dataset)
        current = (earlier[clip.key].rows[clip.key]["audio_request_hash"] == audio_request_hash(clip, settings_hash) for clip in stay)
        if len(stay) == len(clips) and all(current):
            return task
        rows = rows_sha256(stay)
        return replace(task, rows_sha256=rows, inputs_sha256=stable_hash("older audio", rows))

    def _holders(self, shard: ShardId, wanted: set[str]) -> Iterator[tuple[Folder, ShardId]]:
        """Yield the shards that are held which have clips of a shard, the latest first."""
        for below, shards in self._held.items() if wanted else ():
            for held in shards:
                if held.dataset == shard.dataset and not wanted.isdisjoint(_keys_of(held_folder(self.folder, below), held)):
                    yield held_folder(self.folder, below), held

    def copy_held(self) -> Iterator[ShardId]:
        """Write the shards that are held for clips that moved without removed clips; yield those that are damaged."""
        for below, shards in self._held.items():
            folder = held_folder(self.folder, below)
            folder.sweep()
            for shard in shards:
                if self._has_removed(folder, shard) and not self._copy_held(folder, shard):
                    yield shard
            folder.sweep()

    def _copy_held(self, folder: Folder, shard: ShardId) -> bool:
        """Write a shard that is held; one that was not yet copied completely is removed, since it stands elsewhere, too."""
        old = read_marker(folder, shard)
        with folder.workspace() as work:
            previous = read_previous_shard(folder, shard, work)
            if not previous.rows:
                is_part = not folder.exists(marker_name(shard))
                for name in names_of(shard) if is_part else ():
                    folder.remove(name)
                return is_part
            rows = {key: row for key, row in previous.rows.items() if self._stays(shard, key) and previous.has(key)}
            clips = [record_from(Clip, {name: row[name] for name in CLIP_COLUMNS}) for row in rows.values()]
            task = ShardTask(shard, rows_sha256(clips), "", len(clips))  # no build asks from what a shard that is held was made
            copy_shard(task, clips, dict.fromkeys(rows, previous), Origin.of(old), folder, work, "remove", loses_clips=True)
        return True


def _keys_of(folder: Folder, shard: ShardId) -> set[str]:
    """Return the keys that the books of a shard have, or, where they cannot be read, the members of its tar."""
    try:
        return set(read_books(folder, shard, ["key"])["key"].to_pylist())
    except (DamagedFileError, FileNotFoundError):
        pass
    try:
        with folder.open(tar_name(shard)) as tar:
            return {member.key for member in members_of_damaged(tar)}
    except (DamagedFileError, FileNotFoundError):
        return set()
