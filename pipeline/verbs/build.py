"""Build a recipe: plan when needed, then make missing shards and find equal sounds until the folder agrees with the recipe."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.counted import counted
from pipeline.engines.run import Engine
from pipeline.output.address_files import remove_addresses
from pipeline.output.folder_readme import write_readme
from pipeline.output.layout import BUILD, RECIPE, sizes_name, tar_name
from pipeline.output.moved_shards import release
from pipeline.output.ownership import check_folder, remove_retired
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.recipe.write import resolved_recipe
from pipeline.verbs.build_record import build_record, build_settings
from pipeline.verbs.changes import NO_CHANGES, Changes
from pipeline.verbs.current_plan import current_plan, standing_snapshot
from pipeline.verbs.left_out import left_out_lines
from pipeline.verbs.missing import missing_rows
from pipeline.verbs.needed_addresses import lacking_addresses
from pipeline.verbs.paused import Paused, paused
from pipeline.verbs.repair import faulty_shards
from pipeline.verbs.rounds import LEFT_AS_IT_IS, Watch, build_rounds, outdated, planned_shards
from pipeline.verbs.status import Books, read_the_books, unreadable_markers


@dataclass(frozen=True)
class Outcome:
    """The result of a build: the books, the number of shards it made, what is missing, notes for the user, files that no row uses, and
    rows that are left for later because a host is asked no more for now."""

    books: Books
    n_built: int
    plan_is_new: bool
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    paused: tuple[Paused, ...] = ()


def build(
    recipe: BuildRecipe,
    folder: Folder,
    limit: int | None,
    engine: Engine,
    watch: Watch,
    command: Sequence[str] = (),
    changes: Changes = NO_CHANGES,
    wait: bool = False,
) -> Outcome:
    """Build a recipe into a folder, and check the books.

    Args:
        limit: at most this many rows of every source; `None`: all.
        command: the command line, for build.json.
        changes: what the build may change of what stands.
        wait: wait until hosts may be asked again, instead of leaving rows for later.

    Raises:
        FolderInUseError: another build is running there.
        OutputFormatError: another version of this program wrote the folder.
        ForeignFilesError: the folder, or a file with the name of a new shard, is not ours.
        DroppedSamplesError: samples that stand are not in the recipe any more, and `changes` does not prune.
    """
    check_folder(folder)
    with folder.locked():
        settings = build_settings(recipe, folder, changes.prune, wait)
        snapshot, plan_is_new = current_plan(recipe, standing_snapshot(folder), limit, engine, changes, settings.settings_hash_of)
        notes = (*unreadable_markers(snapshot), *(_size_notes(recipe, snapshot) if plan_is_new else _address_notes(snapshot, changes)))
        remove_retired(snapshot)
        built = build_rounds(snapshot, settings, engine, watch, changes)
        snapshot = built.snapshot
        write_sizes(snapshot)
        write_readme(recipe.name, snapshot)
        books = read_the_books(snapshot)
        if built.made or plan_is_new or BUILD not in snapshot.files:
            folder.remove(BUILD)  # written last: a build that is killed here writes both again
            folder.write(RECIPE, resolved_recipe(recipe).encode())
            folder.write_json(BUILD, build_record(recipe, engine, settings, command, books.made_with))
        missing = tuple(outdated(built, settings) if built.left or books.balance else missing_rows(snapshot))
        if changes.repair and built.made and not missing:
            missing = tuple(f"{shard}: {LEFT_AS_IT_IS}" for shard in sorted(faulty_shards(snapshot, engine)))
        if not missing and not built.waiting:
            release(folder, snapshot.files)
        left_out = tuple(left_out_lines(recipe, snapshot, settings.fetcher, with_roots=bool(built.made) or plan_is_new))
        remove_addresses(snapshot)
        waiting = paused(snapshot, settings.stopped_hosts(time.time()), built.waiting.values())
    return Outcome(books, len(built.made), plan_is_new, missing, notes, left_out, waiting)


def _address_notes(snapshot: Snapshot, changes: Changes) -> Iterator[str]:
    """Yield a line where rows that are tried again need addresses that only the tables of a recipe have, which changed since."""
    if changes.retried and (n_shards := sum(1 for _ in lacking_addresses(snapshot, retried=changes.retried))):
        yield (
            f"{counted(n_shards, 'shard has', 'shards have')} rows whose addresses hold secrets, which are not held any more, and the "
            "recipe, its tables or --limit "
            "changed since they were planned; these rows are left for later: run build as before, it reads their addresses again"
        )


def _size_notes(recipe: BuildRecipe, snapshot: Snapshot) -> Iterator[str]:
    """Yield a line where shards that stand were made for another `shard_size` than the recipe has."""
    n_standing = sum(planned.shard in snapshot.markers for planned in planned_shards(snapshot))
    try:
        before = tomllib.loads(snapshot.folder.read(RECIPE).decode()).get("shard_size", recipe.shard_size)
    except (OSError, ValueError):
        return
    if n_standing and before != recipe.shard_size:
        yield (
            f"shard_size = {recipe.shard_size} holds for new shards; {counted(n_standing, 'shard keeps', 'shards keep')} the clips that "
            f"shard_size = {before} "
            "gave them; --reshard lays out all clips again, and copies their audio"
        )


def write_sizes(snapshot: Snapshot) -> None:
    """Write `sizes.json` of every split, {"0.tar": samples, ...} in order of the shards, where it is missing or wrong."""
    splits: dict[str, dict[str, int]] = {}
    for planned in planned_shards(snapshot):
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
