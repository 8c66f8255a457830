"""Add rows to a plan without planning its other rows again, where the tables of a recipe grew or it got more sources.

The result is, byte for byte, the plan that planning all rows would give. Whatever makes this uncertain is left to `make_plan`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from pipeline.counted import counted
from pipeline.output.damage import DamagedFileError
from pipeline.output.digest_files import RowDigests, by_file, read_digests, write_digests
from pipeline.output.digests_index import RecipeRead, read_index, write_index
from pipeline.output.layout import NEW_PLAN
from pipeline.output.new_plan import adopt, discard_new_plan
from pipeline.output.ownership import ForeignFilesError
from pipeline.output.plan_change import DroppedSamplesError
from pipeline.output.plan_files import read_keys
from pipeline.output.plan_index import Plan
from pipeline.output.snapshot import Snapshot
from pipeline.output.standing import read_standing
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.verbs.changed_plan import change_plan
from pipeline.verbs.plan import prepare, rules_of
from pipeline.verbs.rare_collections import rare_collections
from pipeline.verbs.recipe_read import recipe_read
from transforms.planning.added_rows import AddedRows, added_rows
from transforms.planning.plan_difference import OtherPlanError, PlanDifference, difference
from transforms.planning.plan_rows import OtherShardsMoveError


def add_rows(recipe: BuildRecipe, snapshot: Snapshot, lacks_addresses: Callable[[], bool], prune: bool) -> str | None:
    """Replace the plan of a folder by one with the rows that the sources of a recipe have now; return a line about it.

    `None`: nothing was changed, and the plan has to be made from all rows.

    Args:
        lacks_addresses: whether full addresses are needed that are not held any more; planning all rows finds them.
        prune: as in `Changes`.

    Raises:
        DroppedSamplesError, ForeignFilesError: as `make_plan`.
    """
    folder, plan = snapshot.folder, snapshot.plan
    index = read_index(folder, plan) if plan is not None else None
    if plan is None or index is None or recipe.captions == "t5" or plan.removed != snapshot.removed:
        return None
    fingerprint, now = recipe.fingerprint(None), recipe_read(recipe)  # before the tables are read
    places = _places(index.recipe, now)
    if places is None:
        return None
    try:
        standing = _with_sources(read_digests(folder, index.files), places)
        if len(standing) != plan.n_read or lacks_addresses():
            return None
        known = {after: index.recipe.sources[before] for before, after in places.items()}
        changed = [number for number, source in enumerate(now.sources) if known.get(number) != source]
        with rare_collections():
            added = added_rows(standing, recipe.sources, changed)
            if added is None:
                return None
            discard_new_plan(folder)
            made = change_plan(fingerprint, plan, _difference(recipe, added, plan, folder), added, snapshot)
    except (DamagedFileError, FileNotFoundError, OtherPlanError, OtherShardsMoveError):
        discard_new_plan(folder)
        return None
    for number, digests in by_file(added.digests).items():
        write_digests(number, digests, folder, NEW_PLAN)
    write_index(folder, made, now, NEW_PLAN)
    _adopt(made, snapshot, prune)
    n_rows = added.n_added + sum(added.rejected.values())
    return f"{counted(n_rows, 'row')} added to the plan of {counted(plan.n_read, 'row')}, which were not planned again"


def _places(before: RecipeRead, now: RecipeRead) -> dict[int, int] | None:
    """Return the number that each source of a plan has in the recipe now; `None` where the recipe changed in more than its tables."""
    if before.rules != now.rules:
        return None
    free: dict[str, list[int]] = {}
    for number, source in enumerate(now.sources):
        free.setdefault(source.options, []).append(number)
    places = {number: left.pop(0) for number, source in enumerate(before.sources) if (left := free.get(source.options))}
    return places if len(places) == len(before.sources) else None


def _with_sources(digests: RowDigests, places: Mapping[int, int]) -> RowDigests:
    """Return digests with the numbers that the sources have now."""
    numbers = np.zeros(1 + max(places, default=0), np.uint16)
    numbers[list(places)] = list(places.values())
    if len(digests) and digests.sources.max() >= len(numbers):
        raise OtherPlanError("its digests name a source that its recipe did not have")
    return dataclasses.replace(digests, sources=numbers[digests.sources])


def _difference(recipe: BuildRecipe, added: AddedRows, plan: Plan, folder: Folder) -> PlanDifference:
    """Return what added rows change in a plan."""
    sizes = {each.shard: each.n_rows for each in plan.shards}

    def indices_of(dataset: str, split: str, keys: frozenset[str]) -> Mapping[str, int]:
        shards = (shard for shard in sizes if (shard.dataset, shard.split) == (dataset, split))
        return {key: shard.index for shard in shards for key in read_keys(folder, shard) if key in keys}

    return difference(added.before, added.after, rules_of(recipe, folder), recipe.shard_size, sizes, indices_of)


def _adopt(plan: Plan, snapshot: Snapshot, prune: bool) -> None:
    """Replace the plan of a folder; when what stands does not allow that, remove the new plan."""
    standing = read_standing(snapshot)
    try:
        adopt(plan, snapshot.folder, partial(prepare, snapshot=snapshot, standing=standing, prune=prune))
    except (DroppedSamplesError, ForeignFilesError):
        discard_new_plan(snapshot.folder)
        raise
