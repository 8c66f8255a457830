"""Take removed clips out of every file of an output folder. May be killed anywhere: every command that writes there goes on with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipeline.engines.staging import remove_staged
from pipeline.output.address_files import address_name, read_addresses, write_addresses
from pipeline.output.equal_sounds_file import checked_equal_sounds
from pipeline.output.folder_readme import write_readme
from pipeline.output.layout import CHECKED, EQUAL_SOUNDS, PLAN, RECIPE, RECORDINGS, REMOVED, REMOVING, WAITING
from pipeline.output.moved_shards import release
from pipeline.output.ownership import remove_retired
from pipeline.output.recordings_file import Recordings, read_recordings, write_recordings
from pipeline.output.removals_file import Removable, Removals, read_removals
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.records import AudioLimits, ShardId
from pipeline.verbs.build import write_sizes
from pipeline.verbs.copied_shards import ShardCopies
from pipeline.verbs.removed_from_plan import leave_removed_out
from pipeline.verbs.rounds import planned_shards, sounds_sha256_of, unfinished
from pipeline.verbs.verify_record import recorded_recipe
from transforms.shards.equal_sounds import compare_sounds
from transforms.shards.shard_task import SettingsHashOf, settings_hash
from transforms.shards.versions import CONVERSION

N_AT_ONCE = 8
"""Shards of a store that are copied at the same time; on a disk it is one after the other."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The shards that were written without clips of theirs, and those that are damaged and still hold some: a build makes them anew."""

    written: tuple[ShardId, ...] = ()
    damaged: tuple[ShardId, ...] = ()


NOTHING_DONE = Finished()


def finish_removal(snapshot: Snapshot) -> Finished:
    """Take the clips that are being removed out of the plan, the shards and all other files of a folder that is locked.

    Without a plan nothing is done: the next build makes one without these clips, and finishes the removal.

    Raises:
        DamagedFileError: a file of the plan or of the removals is damaged; what was not done yet is done when this is called again.
    """
    folder, removals = snapshot.folder, read_removals(snapshot.folder)
    if snapshot.plan is None:
        return NOTHING_DONE
    recipe = _recipe_of(folder)
    if snapshot.plan.removed != removals.sha256:
        leave_removed_out(snapshot, removals, recipe)
        snapshot = take_snapshot(folder)
    settings_hash_of = _settings_hashes(recipe)
    copies = ShardCopies(snapshot, removals, settings_hash_of, recipe.hosts if recipe else {})
    with ThreadPoolExecutor(1 if folder.is_local else N_AT_ONCE) as pool:
        done = dict(zip(copies.shards, pool.map(copies.copy, copies.shards), strict=True))
    damaged = tuple(shard for shard, is_done in done.items() if is_done is False) + tuple(copies.copy_held())
    if not damaged:
        remove_retired(snapshot)
    snapshot = take_snapshot(folder)
    _clean(snapshot, removals)
    write_sizes(snapshot)
    if recipe is not None:
        write_readme(recipe.name, snapshot)
    if not damaged:
        _compare(snapshot)
        if not any(unfinished(snapshot, settings_hash_of, snapshot.equal_sounds)):
            release(folder, snapshot.files)
        folder.move(REMOVING, REMOVED)
    return Finished(tuple(shard for shard, is_done in done.items() if is_done), damaged)


def _recipe_of(folder: Folder) -> BuildRecipe | None:
    """Return the recipe of the last finished build, without a look at its tables; `None` where it cannot be read."""
    try:
        return recorded_recipe(folder.read(RECIPE))
    except (FileNotFoundError, ValueError):
        return None


def _settings_hashes(recipe: BuildRecipe | None) -> SettingsHashOf:
    """Return the hash of the settings of each dataset. Where a shard was made with others, the next build makes it again."""
    limits: Mapping[str, AudioLimits] = {options.dataset: recipe.audio_of(options) for options in recipe.sources} if recipe else {}
    others = recipe.audio if recipe else AudioLimits()
    return lambda dataset: settings_hash(CONVERSION, limits.get(dataset, others))


def _clean(snapshot: Snapshot, removals: Removals) -> None:
    """Remove what other files say of removed clips: full addresses, local recordings, and files that are made anew when they are needed."""
    folder, planned = snapshot.folder, {each.shard for each in planned_shards(snapshot)}

    def is_removed(shard: ShardId, key: str) -> bool:
        return removals.has(Removable.CLIP, shard.dataset, key)

    for name, shard in _address_files(snapshot):
        addresses = read_addresses(snapshot, shard)
        stay = {key: url for key, url in addresses.items() if not is_removed(shard, key)}
        if shard not in planned or not stay:
            folder.remove(name)
        elif stay != addresses:
            write_addresses(shard, stay, folder, PLAN)
    if RECORDINGS in snapshot.files:
        noted = read_recordings(folder)
        files = tuple(file for file in noted.files if not is_removed(ShardId.parse(file.shard), file.key))
        kept = Recordings(noted.shards, files).only(planned)
        if kept != noted:
            write_recordings(kept, folder)
    remove_staged(folder)
    for below in (CHECKED, WAITING):
        folder.remove_below(below)


def _address_files(snapshot: Snapshot) -> Iterator[tuple[str, ShardId]]:
    beginning = address_name(ShardId("", "", 0)).removesuffix("//0.json")
    for name in snapshot.files:
        if name.startswith(f"{beginning}/"):
            yield name, ShardId.parse(name.removeprefix(f"{beginning}/").removesuffix(".json"))


def _compare(snapshot: Snapshot) -> None:
    """Compare the sounds of all shards again, where they were compared and some are gone; else the next build compares them."""
    shards = [planned.shard for planned in planned_shards(snapshot)]
    if f"{PLAN}/{EQUAL_SOUNDS}" not in snapshot.files or any(shard not in snapshot.markers for shard in shards):
        return
    sounds_sha256 = sounds_sha256_of(snapshot)
    if checked_equal_sounds(snapshot.folder).sounds_sha256 != sounds_sha256:
        compare_sounds(shards, snapshot.folder, sounds_sha256, 1 if snapshot.folder.is_local else N_AT_ONCE)
