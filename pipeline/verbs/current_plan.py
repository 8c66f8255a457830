"""Give an output folder the plan of a recipe, unless it has it already. Imports Beam only when it has to plan."""

from __future__ import annotations

from pipeline.engines.run import Engine
from pipeline.masking import is_masked
from pipeline.output.address_files import address_name
from pipeline.output.new_plan import promote_interrupted
from pipeline.output.plan_files import read_urls
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.verbs.changes import NO_CHANGES, Changes


def _lacks_addresses(snapshot: Snapshot) -> bool:
    """Return whether a shard that is not built has masked addresses whose full form is not held any more, so that tables are read again."""
    assert snapshot.plan is not None
    waiting = (planned.shard for planned in snapshot.plan.shards if snapshot.current_marker(planned) is None)
    return any(any(map(is_masked, read_urls(snapshot.folder, shard))) for shard in waiting if address_name(shard) not in snapshot.files)


def standing_snapshot(folder: Folder) -> Snapshot:
    """Return the snapshot of a folder that is locked, after finishing what a killed build began; a damaged plan counts as none."""
    snapshot = take_snapshot(folder, needs_plan=False)
    return take_snapshot(folder, needs_plan=False) if promote_interrupted(folder, snapshot.files) else snapshot


def current_plan(
    recipe: BuildRecipe, snapshot: Snapshot, limit: int | None, engine: Engine, changes: Changes = NO_CHANGES
) -> tuple[Snapshot, bool]:
    """Return the snapshot of a folder with the plan of a recipe, and whether the plan had to be made; raises as `make_plan`."""
    if changes.retried and snapshot.plan is not None:
        return snapshot, False  # the rows that stand are tried again; a change of the recipe waits for the next build
    is_current = snapshot.plan is not None and snapshot.plan.fingerprint == recipe.fingerprint(limit)
    if is_current and not changes.plans_again and not _lacks_addresses(snapshot):
        return snapshot, False
    from pipeline.verbs.plan import make_plan  # imports Beam

    make_plan(recipe, snapshot, limit, engine, changes)
    return take_snapshot(snapshot.folder), True
