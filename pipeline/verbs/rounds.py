"""Make the shards of a plan, and compare their sounds, until the folder agrees with the plan."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from pipeline.engines.run import Engine
from pipeline.engines.staging import remove_staged, stage_recordings
from pipeline.output.address_files import read_addresses
from pipeline.output.equal_sounds_file import EqualSounds, read_equal_sounds
from pipeline.output.layout import EQUAL_SOUNDS, PLAN, WAITING, names_of, waiting_name
from pipeline.output.markers import inputs_sha256
from pipeline.output.plan_files import read_rows_of
from pipeline.output.plan_index import PlannedShard
from pipeline.output.recordings_file import Recordings, read_recordings, write_recordings
from pipeline.output.snapshot import N_READERS, KnownMarkers, Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, ShardId, SimilarSounds
from pipeline.verbs.changes import NO_CHANGES, Changes
from pipeline.verbs.moved_clips import find_moved
from pipeline.verbs.paused import rows_left, shards_to_continue, shards_with
from pipeline.verbs.recordings import Replaced, find_replaced, note_recordings
from pipeline.verbs.repair import faulty_shards
from transforms.shards.equal_sounds import compare_sounds, compared_sha256, write_left_out
from transforms.shards.shard_task import BuildSettings, MovedClips, SettingsHashOf, ShardTask, longest_first
from transforms.shards.similar_left_out import read_printed, similar_left_out
from transforms.shards.slot_ledger import needs_slot
from transforms.shards.stop import stop_request

MAX_ROUNDS = 20
"""Rounds of building and comparing sounds. Two are enough when recordings do not change. More are needed when clips that come back
fail or sound different now; shards that are not settled by then are reported, and the next build goes on with them."""

MAX_COMPARED = 20_000
"""Clips whose sounds are compared without an engine: in about as long as the local engine takes to start."""

LEFT_AS_IT_IS = (
    "left as it is: samples of it would be lost, because their recordings cannot be fetched now; "
    "bring the recordings back and build again, or let these samples go with --prune"
)

Watch = Callable[[Snapshot, list[ShardTask]], AbstractContextManager[KnownMarkers | None]]
"""(snapshot before, tasks) -> a context that is open while the shards are made; it may give the markers that it read."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """What shards may not copy, or may copy from other shards: recordings that were replaced, clips that moved, shards with faults, and
    reasons: rows that were rejected with one of them are tried again."""

    replaced: Replaced = field(default_factory=dict)
    moved: Mapping[ShardId, MovedClips] = field(default_factory=dict)
    faulty: frozenset[ShardId] = frozenset()
    tried_again: Mapping[ShardId, frozenset[Reason]] = field(default_factory=dict)


NOTHING = Reuse()


@dataclass(frozen=True, slots=True)
class Built:
    """What rounds of building gave: the last snapshot, the shards that were made, and those left as they are.

    `waiting` counts by host the rows of those of `left` that only wait until a host may be asked again. `sounds` are the equal sounds.
    """

    snapshot: Snapshot
    made: frozenset[ShardId]
    left: frozenset[ShardId]
    waiting: Mapping[ShardId, Mapping[str, int]] = field(default_factory=dict)
    sounds: EqualSounds = field(default_factory=EqualSounds)


def build_rounds(snapshot: Snapshot, settings: BuildSettings, engine: Engine, watch: Watch, changes: Changes = NO_CHANGES) -> Built:
    """Make shards and compare their sounds until nothing is left to do.

    A build that waits does so after all that needs no wait is done: a shard that waits for one host would keep others from theirs.

    Args:
        changes: `repair` also makes the shards anew in which `verify` finds faults, `retried` those that hold rows with these reasons.
    """
    folder, tried, left, last = snapshot.folder, set[ShardId](), frozenset[ShardId](), list[tuple[ShardId, str]]()
    noted = before = read_recordings(folder)
    replaced = find_replaced(snapshot, noted, settings.fetcher)
    moved = find_moved(snapshot, noted, settings.fetcher)
    faulty = faulty_shards(snapshot, engine) if changes.repair else frozenset[ShardId]()
    again = shards_with(snapshot, changes.retried) if changes.retried else _shards_left(snapshot, settings)
    reuse, n_left, how, sounds = Reuse(replaced, moved, faulty, again), sys.maxsize, settings.without_wait(), snapshot.equal_sounds
    for _ in range(MAX_ROUNDS):
        tasks = longest_first(unfinished(snapshot, settings.settings_hash_of, sounds, reuse))
        wanted = [(task.shard, task.inputs_sha256) for task in tasks]
        if tasks and wanted != last:
            folder.remove_below(WAITING)
            tasks, of_tasks = look_at_rows(tasks, how)
            noted = noted.replaced_by(of_tasks)
            known = run_tasks(tasks, snapshot, how, engine, watch)
            tried |= {task.shard for task in tasks}
            snapshot, last, reuse = take_snapshot(folder, known=known), wanted, Reuse(moved=moved)
        elif not tasks and sounds.sounds_sha256 != sounds_sha256_of(snapshot, settings.similar):
            find_equal_sounds(snapshot, engine, settings.similar)
            sounds = read_equal_sounds(folder)
        elif settings.waits and 0 < (n_waiting := _n_waiting(snapshot, tasks)) < n_left:  # else going on is no use
            again = shards_to_continue(snapshot, ())
            reuse, n_left, last, how = Reuse(moved=moved, tried_again=again), n_waiting, [], settings
        else:
            left = frozenset(task.shard for task in tasks)
            break
    if tried:
        made = noted.only({planned.shard for planned in planned_shards(snapshot)} - left)
        write_recordings(made.replaced_by(before.only(left)), folder)  # of shards that were not made what they were made from
    waiting = read_waiting(folder, left) if tried else {}
    if waiting:
        folder.remove_below(WAITING)
    if tried and not left:
        remove_staged(folder)
    return Built(snapshot, frozenset(tried) - left, left, waiting, sounds)


def read_waiting(folder: Folder, shards: Iterable[ShardId]) -> dict[ShardId, dict[str, int]]:
    """Return by host how many rows wait, of those of some shards that were left as they are because they wait."""
    shards = sorted(shards)
    names = folder.files_below(WAITING) if shards else ()
    return {shard: dict(folder.read_json(waiting_name(shard))) for shard in shards if waiting_name(shard) in names}


def look_at_rows(tasks: Iterable[ShardTask], settings: BuildSettings) -> tuple[list[ShardTask], Recordings]:
    """Return the tasks, each with whether it needs the slot, and the local files that their clips are read from."""
    tasks, folder, with_slot = list(tasks), settings.folder, set[ShardId]()

    def rows(shard: ShardId) -> tuple[ShardId, list[Clip]]:
        clips = read_rows_of(folder, shard)
        if not folder.is_local and needs_slot(clips, settings.fetcher):
            with_slot.add(shard)
        return shard, clips

    with ThreadPoolExecutor(1 if folder.is_local else N_READERS) as pool:
        recordings = note_recordings(pool.map(rows, [task.shard for task in tasks]), settings.fetcher)
    return [replace(task, needs_slot=task.shard in with_slot) for task in tasks], recordings


def _shards_left(snapshot: Snapshot, settings: BuildSettings) -> dict[ShardId, frozenset[Reason]]:
    """Return the shards with rows that were left for later and may be fetched now; asks for the hosts' budgets only where there are any."""
    return shards_to_continue(snapshot, settings.stopped_hosts(time.time())) if rows_left(snapshot) else {}


def _n_waiting(snapshot: Snapshot, tasks: Iterable[ShardTask]) -> int:
    """Return the number of rows that are left for later, those of the shards of `tasks` included, which were left as they are."""
    n_rows = sum(sum(rows.values()) for rows in read_waiting(snapshot.folder, (task.shard for task in tasks)).values())
    return n_rows + sum(rows_left(snapshot).values())


def outdated(built: Built, settings: BuildSettings) -> Iterator[str]:
    """Yield a line for every shard that is not what the plan says after the last round, and one where sounds were not compared.

    Shards that wait until a host may be asked again are no fault; the sounds are compared when they are built.
    """
    snapshot, sounds = built.snapshot, built.sounds
    for task in unfinished(snapshot, settings.settings_hash_of, sounds):
        if task.shard in built.waiting:
            continue
        yield f"{task.shard}: {LEFT_AS_IT_IS if task.shard in built.left else 'not built from what the plan says now'}"
    if sounds.sounds_sha256 != sounds_sha256_of(snapshot, settings.similar) and not built.waiting:
        yield f"{PLAN}/{EQUAL_SOUNDS}: not of the sounds that the shards have now; run the same command again"


def unfinished(snapshot: Snapshot, settings_hash_of: SettingsHashOf, sounds: EqualSounds, reuse: Reuse = NOTHING) -> Iterator[ShardTask]:
    """Yield a task for every shard of the plan that is missing, has faults or other inputs, or whose recordings were replaced."""
    for planned in planned_shards(snapshot):
        shard, task = planned.shard, shard_task(planned, settings_hash_of, sounds)
        task = replace(
            task,
            replaced=reuse.replaced.get(shard, frozenset()),
            moved=reuse.moved.get(shard, ()),
            is_checked=shard in reuse.faulty,
            tried_again=reuse.tried_again.get(shard),
            stands=any(name in snapshot.files for name in names_of(shard)),
        )
        if task.is_made_again or not snapshot.finished(shard, task.inputs_sha256):
            yield replace(task, addresses=tuple(read_addresses(snapshot, shard).items()))


def shard_task(planned: PlannedShard, settings_hash_of: SettingsHashOf, sounds: EqualSounds) -> ShardTask:
    """Return the task that makes a planned shard."""
    in_other_shards = sounds.of(planned.shard)
    inputs = inputs_sha256(planned.rows_sha256, settings_hash_of(planned.shard.dataset), in_other_shards)
    return ShardTask(planned.shard, planned.rows_sha256, inputs, planned.n_rows, in_other_shards)


def run_tasks(tasks: list[ShardTask], snapshot: Snapshot, settings: BuildSettings, engine: Engine, watch: Watch) -> KnownMarkers:
    """Make shards on an engine, and show progress; return the markers that were read meanwhile."""
    engine.load()
    from pipeline.engines.elements import elements
    from transforms.shards.build_shards import BuildShards

    if engine.is_remote and not snapshot.folder.is_local:
        stage_recordings(tasks, settings.fetcher, snapshot.folder)
        settings = settings.elsewhere()
    in_threads = engine.is_local and not engine.options
    with stop_request.heard(in_threads), watch(snapshot, tasks) as known, elements(tasks, snapshot.folder) as given:
        engine.run(lambda root: root | "Tasks" >> given | "BuildShards" >> BuildShards(settings))
    return snapshot.known() if known is None else known


def find_equal_sounds(snapshot: Snapshot, engine: Engine, similar: SimilarSounds = "report") -> None:
    """Find equal sounds, and write which of them each shard must leave out. A local build of few clips does so without its engine.

    With `similar` the fingerprints of all sounds are compared too, in this process whatever the engine is.
    """
    shards, n_clips = [planned.shard for planned in planned_shards(snapshot)], sum(planned.n_rows for planned in planned_shards(snapshot))
    folder, sounds_sha256 = snapshot.folder, sounds_sha256_of(snapshot, similar)
    n_readers = 1 if folder.is_local else N_READERS
    if similar != "report":
        write_left_out(similar_left_out(read_printed(folder, shards, n_readers), similar), folder, sounds_sha256)
        return
    if engine.is_local and n_clips <= MAX_COMPARED:
        compare_sounds(shards, folder, sounds_sha256, n_readers)
        return
    engine.load()
    from pipeline.engines.elements import elements
    from transforms.shards.find_equal_sounds import FindEqualSounds

    find = FindEqualSounds(folder, sounds_sha256)
    with elements(shards, folder) as given:
        engine.run(lambda root: root | "Shards" >> given | "FindEqualSounds" >> find)


def sounds_sha256_of(snapshot: Snapshot, similar: SimilarSounds = "report") -> str:
    """Return the hash of all sounds of a folder, and of what is left out: when it changes, the sounds have to be compared again."""
    hashes = ((planned.shard, snapshot.markers.get(planned.shard)) for planned in planned_shards(snapshot))
    return compared_sha256(((shard, marker.sounds_sha256) for shard, marker in hashes if marker is not None), similar)


def planned_shards(snapshot: Snapshot) -> tuple[PlannedShard, ...]:
    """Return the shards of the plan of a folder; none without a plan."""
    return snapshot.plan.shards if snapshot.plan is not None else ()
