"""Give an output folder the plan of a recipe, unless it has it already. Imports Beam only when it has to plan."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.engines.run import Engine
from pipeline.output.layout import REMOVING
from pipeline.output.new_plan import promote_interrupted
from pipeline.output.snapshot import NOTHING_KNOWN, KnownMarkers, Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.verbs.changes import NO_CHANGES, Changes
from pipeline.verbs.needed_addresses import lacking_addresses
from transforms.shards.shard_task import SettingsHashOf


def standing_snapshot(folder: Folder, known: KnownMarkers = NOTHING_KNOWN) -> Snapshot:
    """Return the snapshot of a locked folder, after finishing what a killed build or removal began; a damaged plan counts as none."""
    snapshot = take_snapshot(folder, needs_plan=False, known=known)
    if promote_interrupted(folder, snapshot.files):
        snapshot = take_snapshot(folder, needs_plan=False)
    if REMOVING not in snapshot.files:
        return snapshot
    from pipeline.verbs.finish_removal import finish_removal

    finish_removal(snapshot)
    return take_snapshot(folder, needs_plan=False)


def current_plan(
    recipe: BuildRecipe,
    snapshot: Snapshot,
    limit: int | None,
    engine: Engine,
    changes: Changes = NO_CHANGES,
    settings_hash_of: SettingsHashOf | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> tuple[Snapshot, bool]:
    """Return the snapshot of a folder with the plan of a recipe, and whether the plan had to be made; raises as `make_plan`.

    The plan is also made again when addresses with secrets are needed that are not held any more: the tables have them.

    Args:
        settings_hash_of: as the build has it; `None` where nothing is built.
        tell: called with a line where rows were added to the plan without planning the others again.
    """
    is_current = snapshot.has_plan_of(recipe.fingerprint(limit))
    if snapshot.plan is not None and changes.retried and not is_current:
        return snapshot, False  # the rows that stand are tried again; a change of the recipe waits for the next build

    def lacks() -> bool:
        return any(lacking_addresses(snapshot, settings_hash_of, changes.retried))

    if is_current and not changes.plans_again and not lacks():
        return snapshot, False
    engine.load()
    from pipeline.verbs.add_rows import add_rows  # these two import Beam
    from pipeline.verbs.plan import make_plan

    line = None if is_current or changes.plans_again or limit is not None else add_rows(recipe, snapshot, lacks, changes.prune)
    if line is None:
        make_plan(recipe, snapshot, limit, engine, changes)
    else:
        tell(line)
    return take_snapshot(snapshot.folder), True
