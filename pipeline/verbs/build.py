"""Build a recipe: plan when needed, then make missing shards and find equal sounds until the folder agrees with the recipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.counted import counted
from pipeline.engines.run import Engine
from pipeline.output.address_files import remove_addresses
from pipeline.output.folder_readme import write_readme
from pipeline.output.json_values import json_bytes
from pipeline.output.layout import BUILD, NEW_PLAN, PAPERS, RECIPE, REMOVING, sizes_name, tar_name
from pipeline.output.leaks_file import outdated_certificate
from pipeline.output.moved_shards import release
from pipeline.output.object_store import ReadOnlyError
from pipeline.output.ownership import check_folder, remove_retired
from pipeline.output.snapshot import NOTHING_KNOWN, Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.recipe.toml import parse_toml
from pipeline.recipe.write import resolved_recipe
from pipeline.verbs.build_record import build_record, build_settings
from pipeline.verbs.changes import NO_CHANGES, Changes
from pipeline.verbs.current_plan import current_plan, standing_snapshot
from pipeline.verbs.left_out import left_out_lines
from pipeline.verbs.missing import missing_rows
from pipeline.verbs.needed_addresses import lacking_addresses
from pipeline.verbs.paused import Paused, paused, rows_left
from pipeline.verbs.repair import faulty_shards
from pipeline.verbs.rounds import LEFT_AS_IT_IS, Watch, build_rounds, outdated, planned_shards
from pipeline.verbs.status import Books, read_the_books, unreadable_markers

if TYPE_CHECKING:
    from apache_beam import Pipeline


@dataclass(frozen=True)
class Outcome:
    """The result of a build: the books, the number of shards it made, what is missing, notes for the user, files that no row uses, and
    rows that are left for later because a host is asked no more for now, and whether a T5 wrote captions."""

    books: Books
    n_built: int
    plan_is_new: bool
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    paused: tuple[Paused, ...] = ()
    has_t5: bool = False


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
    known = NOTHING_KNOWN
    if not folder.is_local and changes == NO_CHANGES:
        before = take_snapshot(Folder(folder.root, is_read_only=True), needs_plan=False)
        if (outcome := _if_finished(recipe, before, limit, watch, wait)) is not None:
            return outcome
        known = before.known()
    with folder.locked():
        outcome = _build(recipe, standing_snapshot(folder, known), limit, engine, watch, command, changes, wait)
        if folder.exists(REMOVING):  # of shards that were damaged, and are made anew now
            standing_snapshot(folder)
        return outcome


class _NoEngine(Engine):
    """The engine of a build that has nothing to do."""

    def run(self, add_steps: Callable[[Pipeline], object], one_worker: bool = False) -> None:
        """Refuse to run."""
        raise ReadOnlyError("a pipeline")


def _if_finished(recipe: BuildRecipe, before: Snapshot, limit: int | None, watch: Watch, wait: bool) -> Outcome | None:
    """Return the outcome of a build that has nothing to do; `None` where it would have to write.

    It takes no lock, because a lock in a store costs three requests: a build that ends as it began may look at a folder at any time.
    """
    plan = before.plan
    if plan is None or not before.has_plan_of(recipe.fingerprint(limit)) or any(each.shard not in before.markers for each in plan.shards):
        return None
    if REMOVING in before.files or any(name.startswith(f"{NEW_PLAN}/") for name in before.files):
        return None
    try:
        return _build(recipe, before, limit, _NoEngine(), watch, (), NO_CHANGES, wait)
    except ReadOnlyError:
        return None


def _build(
    recipe: BuildRecipe,
    before: Snapshot,
    limit: int | None,
    engine: Engine,
    watch: Watch,
    command: Sequence[str],
    changes: Changes,
    wait: bool,
) -> Outcome:
    """Bring a folder from the state of `before` to the recipe, and check the books."""
    folder = before.folder
    settings = build_settings(recipe, folder, changes.prune, wait)
    added: list[str] = []
    snapshot, plan_is_new = current_plan(recipe, before, limit, engine, changes, settings.settings_hash_of, added.append)
    notes = (*added, *unreadable_markers(snapshot), *(_size_notes(recipe, snapshot) if plan_is_new else _address_notes(snapshot, changes)))
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
    with_roots = (bool(built.made) or plan_is_new) and not engine.is_remote  # their archives are on the workers
    left_out = tuple(left_out_lines(recipe, snapshot, settings.fetcher, with_roots))
    remove_addresses(snapshot)
    if PAPERS in snapshot.files:
        from pipeline.verbs.papers import refresh_papers  # most builds have none

        refresh_papers(snapshot)
    stopped = settings.stopped_hosts(time.time()) if built.waiting or rows_left(snapshot) else {}
    waiting = paused(snapshot, stopped, built.waiting.values())
    notes += tuple(outdated_certificate(snapshot))
    return Outcome(books, len(built.made), plan_is_new, missing, notes, left_out, waiting, bool(snapshot.plan and snapshot.plan.t5))


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
        before = parse_toml(snapshot.folder.read(RECIPE)).get("shard_size", recipe.shard_size)
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
        state = snapshot.files.get(sizes_name(split))
        if state is None or not (state.holds(json_bytes(sizes)) or _holds(snapshot, sizes_name(split), sizes)):
            snapshot.folder.write_json(sizes_name(split), sizes)


def _holds(snapshot: Snapshot, name: str, sizes: dict[str, int]) -> bool:
    try:
        written = snapshot.folder.read_json(name)
    except ValueError:  # damaged
        return False
    return written == sizes and list(written) == list(sizes)
