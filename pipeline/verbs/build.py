"""Build a recipe: plan when needed, then make missing shards and find equal sounds until the folder agrees with the recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from pipeline.engines.run import Engine
from pipeline.keys import stable_hash
from pipeline.output.equal_sounds_file import EqualSounds, read_equal_sounds
from pipeline.output.layout import BUILD, EQUAL_SOUNDS, PLAN, RECIPE, books_name, marker_name, sizes_name, tar_name
from pipeline.output.markers import inputs_sha256
from pipeline.output.new_plan import promote_interrupted
from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.recordings_file import read_recordings, write_recordings
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.recipe.write import resolved_recipe
from pipeline.records import ShardId
from pipeline.verbs.build_record import CONVERSION, build_record, versions
from pipeline.verbs.missing import missing_rows
from pipeline.verbs.recordings import Replaced, find_replaced, note_recordings
from pipeline.verbs.status import Books, read_the_books, unreadable_markers
from transforms.fetching.fetch import Fetcher
from transforms.fetching.http import HttpSettings
from transforms.shards.shard_task import BuildSettings, SettingsHashOf, ShardTask, longest_first

N_THREADS = 4
MAX_ROUNDS = 20
"""Rounds of building and comparing sounds. Two are enough when recordings do not change. More are needed when clips that come back
fail or sound different now; shards that are not settled by then are reported, and the next build goes on with them."""

Watch = Callable[[Snapshot, list[ShardTask]], AbstractContextManager[None]]
"""(snapshot before, tasks) -> a context that is open while the shards are made."""


@dataclass(frozen=True)
class Outcome:
    """The result of a build: the books, the number of shards it made, the missing rows, and the markers that could not be read."""

    books: Books
    n_built: int
    plan_is_new: bool
    missing: tuple[str, ...]
    unreadable: tuple[str, ...] = ()


def build(recipe: BuildRecipe, folder: Folder, limit: int | None, engine: Engine, watch: Watch, command: Sequence[str] = ()) -> Outcome:
    """Build a recipe into a folder, and check the books.

    Args:
        limit: at most this many rows of every source; `None`: all.
        command: the command line, for build.json.

    Raises:
        FolderInUseError: another build is running there.
        OutputFormatError: another version of this program wrote the folder.
    """
    with folder.locked():
        snapshot, plan_is_new = current_plan(recipe, folder, limit, engine)
        assert snapshot.plan is not None
        settings = build_settings(recipe, folder)
        unreadable = tuple(unreadable_markers(snapshot))
        remove_unplanned(snapshot)
        snapshot, built = build_rounds(snapshot, settings, engine, watch)
        write_sizes(snapshot)
        if built or plan_is_new or BUILD not in snapshot.files:
            folder.write(RECIPE, resolved_recipe(recipe).encode())
            folder.write_json(BUILD, build_record(recipe, engine, settings, command))
        books = read_the_books(snapshot)
        missing = tuple(outdated(snapshot, settings)) if books.balance else tuple(missing_rows(snapshot))
    return Outcome(books, len(built), plan_is_new, missing, unreadable)


def current_plan(recipe: BuildRecipe, folder: Folder, limit: int | None, engine: Engine) -> tuple[Snapshot, bool]:
    """Return the snapshot of a folder with the plan of a recipe, and whether the plan had to be made."""
    snapshot = take_snapshot(folder)
    if promote_interrupted(folder, snapshot.files):
        snapshot = take_snapshot(folder)
    if snapshot.plan is not None and snapshot.plan.fingerprint == recipe.fingerprint(limit):
        return snapshot, False
    from pipeline.verbs.plan import make_plan  # imports Beam

    make_plan(recipe, folder, limit, engine, snapshot.plan)
    return take_snapshot(folder), True


def build_rounds(snapshot: Snapshot, settings: BuildSettings, engine: Engine, watch: Watch) -> tuple[Snapshot, set[ShardId]]:
    """Make shards and compare their sounds until nothing is left to do; return the last snapshot, and the shards that were made."""
    folder, built, last = snapshot.folder, set[ShardId](), list[ShardTask]()
    noted = read_recordings(folder)
    replaced = find_replaced(snapshot, noted, settings.fetcher)
    for _ in range(MAX_ROUNDS):
        sounds = read_equal_sounds(folder)
        tasks = longest_first(unfinished(snapshot, settings.settings_hash_of, sounds, replaced))
        if tasks and tasks != last:
            noted = noted.replaced_by(note_recordings(folder, (task.shard for task in tasks), settings.fetcher))
            run_tasks(tasks, snapshot, settings, engine, watch)
            built |= {task.shard for task in tasks}
            snapshot, last, replaced = take_snapshot(folder), tasks, {}
        elif not tasks and sounds.sounds_sha256 != sounds_sha256_of(snapshot):
            find_equal_sounds(snapshot, engine)
        else:
            break
    if built:
        write_recordings(noted.only(planned.shard for planned in _planned(snapshot)), folder)
    return snapshot, built


def outdated(snapshot: Snapshot, settings: BuildSettings) -> Iterator[str]:
    """Yield a line for every shard that is not what the plan says after the last round, and one where sounds were not compared."""
    sounds = read_equal_sounds(snapshot.folder)
    for task in unfinished(snapshot, settings.settings_hash_of, sounds):
        yield f"{task.shard}: not built from what the plan says now"
    if sounds.sounds_sha256 != sounds_sha256_of(snapshot):
        yield f"{PLAN}/{EQUAL_SOUNDS}: not of the sounds that the shards have now; run the same command again"


def unfinished(
    snapshot: Snapshot, settings_hash_of: SettingsHashOf, sounds: EqualSounds, replaced: Replaced | None = None
) -> Iterator[ShardTask]:
    """Yield a task for every shard of the plan that is missing, was made from other inputs, or whose recordings were replaced."""
    for planned in _planned(snapshot):
        task = replace(shard_task(planned, settings_hash_of, sounds), replaced=(replaced or {}).get(planned.shard, frozenset()))
        if task.replaced or not snapshot.finished(planned.shard, task.inputs_sha256):
            yield task


def shard_task(planned: PlannedShard, settings_hash_of: SettingsHashOf, sounds: EqualSounds) -> ShardTask:
    """Return the task that makes a planned shard."""
    in_other_shards = sounds.of(planned.shard)
    inputs = inputs_sha256(planned.rows_sha256, settings_hash_of(planned.shard.dataset), in_other_shards)
    return ShardTask(planned.shard, planned.rows_sha256, inputs, planned.n_rows, in_other_shards)


def run_tasks(tasks: list[ShardTask], snapshot: Snapshot, settings: BuildSettings, engine: Engine, watch: Watch) -> None:
    """Make shards on an engine, and show progress."""
    import apache_beam as beam

    from transforms.shards.build_shards import BuildShards

    with watch(snapshot, tasks):
        engine.run(lambda root: root | "Tasks" >> beam.Create(tasks) | "BuildShards" >> BuildShards(settings))


def find_equal_sounds(snapshot: Snapshot, engine: Engine) -> None:
    """Find equal sounds, and write which of them each shard must leave out."""
    import apache_beam as beam

    from transforms.shards.find_equal_sounds import FindEqualSounds

    shards = [planned.shard for planned in _planned(snapshot)]
    find = FindEqualSounds(snapshot.folder, sounds_sha256_of(snapshot))
    engine.run(lambda root: root | "Shards" >> beam.Create(shards) | "FindEqualSounds" >> find)


def sounds_sha256_of(snapshot: Snapshot) -> str:
    """Return the hash of all sounds of a folder: when it changes, the sounds have to be compared again."""
    hashes = ((planned.shard, snapshot.markers.get(planned.shard)) for planned in _planned(snapshot))
    return stable_hash(*(f"{shard} {marker.sounds_sha256}" for shard, marker in hashes if marker is not None))


def build_settings(recipe: BuildRecipe, folder: Folder) -> BuildSettings:
    """Return the settings that all shards of a recipe share."""
    http = HttpSettings(recipe.allow_private, recipe.respect_robots_tag, recipe.contact)
    limits_by_dataset = {options.dataset: recipe.audio_of(options) for options in recipe.sources}
    return BuildSettings(folder, Fetcher(recipe.folder, http), recipe.audio, limits_by_dataset, CONVERSION, N_THREADS, versions())


def remove_unplanned(snapshot: Snapshot) -> list[ShardId]:
    """Remove the files of shards that the plan does not hold any more, the marker first; return the shards."""
    folder, wanted = snapshot.folder, {planned.shard for planned in _planned(snapshot)}
    stale = [shard for shard in snapshot.shards() if shard not in wanted]
    splits = sorted({shard.folder for shard in stale} - {shard.folder for shard in wanted})
    for split in splits:  # before their shards: a build that is killed here finds the shards again, but not a file without shards
        folder.remove(sizes_name(split))
    for shard in stale:
        for name in (marker_name(shard), books_name(shard), tar_name(shard)):
            folder.remove(name)
    for split in splits:
        folder.remove_empty(split)
    return stale


def write_sizes(snapshot: Snapshot) -> None:
    """Write `sizes.json` of every split, {"0.tar": samples, ...} in order of the shards, where it is missing or wrong."""
    splits: dict[str, dict[str, int]] = {}
    for planned in _planned(snapshot):
        marker = snapshot.markers.get(planned.shard)
        if marker is not None:
            splits.setdefault(planned.shard.folder, {})[tar_name(planned.shard).rpartition("/")[2]] = marker.n_samples
    for split, sizes in splits.items():
        if not _holds(snapshot, sizes_name(split), sizes):
            snapshot.folder.write_json(sizes_name(split), sizes)


def _holds(snapshot: Snapshot, name: str, sizes: dict[str, int]) -> bool:
    try:
        written = snapshot.folder.read_json(name) if name in snapshot.files else None
    except ValueError:  # damaged
        return False
    return written == sizes and list(written) == list(sizes)


def _planned(snapshot: Snapshot) -> tuple[PlannedShard, ...]:
    plan: Plan | None = snapshot.plan
    return plan.shards if plan is not None else ()
