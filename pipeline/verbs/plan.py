"""Plan a recipe: which clips, with which text, in which shard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apache_beam as beam

from pipeline.engines.run import Engine
from pipeline.failures import RecipeError
from pipeline.machine.freed_memory import return_freed_memory
from pipeline.output.digests_index import write_index
from pipeline.output.layout import HELD_ROWS, LEFT_OUT, NEW_PLAN, RETIRED, ROWS, ROWS_READ
from pipeline.output.moved_shards import hold
from pipeline.output.new_plan import discard_new_plan, finish_plan
from pipeline.output.ownership import ForeignFilesError, check_names, retired_shards
from pipeline.output.plan_change import DroppedSamplesError, compare
from pipeline.output.plan_files import read_keys
from pipeline.output.plan_index import Plan
from pipeline.output.removals_file import read_removals
from pipeline.output.snapshot import Snapshot
from pipeline.output.standing import Standing, read_standing
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.records import ShardId
from pipeline.verbs.changes import NO_CHANGES, Changes
from pipeline.verbs.plan_here import few_rows, write_plan_of
from pipeline.verbs.rare_collections import rare_collections
from pipeline.verbs.recipe_read import recipe_read
from transforms.planning.assign_shards import AssignShards
from transforms.planning.find_held_rows import HeldRows, Match, take_matches, unmatched, write_matches
from transforms.planning.key_hashes import PreviousKeys
from transforms.planning.plan_partitions import PlanPartitions
from transforms.planning.read_sources import ReadFiles, ReadSources, write_rows
from transforms.planning.row_digests import WriteDigests
from transforms.planning.rules import Rules
from transforms.planning.share_recordings import added, write_shared_recordings
from transforms.planning.write_plan import WriteLeftOut, WritePlan

if TYPE_CHECKING:
    from transforms.planning.caption_model import CaptionModel


def plan_clips(
    root: beam.Pipeline,
    recipe: BuildRecipe,
    folder: Folder,
    limit: int | None,
    caption_model: CaptionModel | None,
    previous: PreviousPlan,
    read_rows: beam.PTransform,
) -> None:
    """Add the steps of planning: recipe -> one plan file for each shard; the rows left out -> rejections.parquet."""
    rules, finds = rules_of(recipe, folder), held_rows(recipe, limit)
    read = root | "ReadSources" >> read_rows
    keys = (read.keys, root | "PreviousKeys" >> PreviousKeys(previous)) | "Keys" >> beam.Flatten()
    planned = (read.clips, keys) | "PlanPartitions" >> PlanPartitions(rules, finds)
    worded = planned.clips | "CaptionWithT5" >> with_t5(caption_model, folder) if caption_model else planned.clips
    shards = worded | "AssignShards" >> AssignShards(recipe.shard_size, rules)
    _ = shards | "WritePlan" >> WritePlan(folder, NEW_PLAN)
    shared = planned.shared | "AddShared" >> beam.CombineGlobally(added)
    _ = shared | "WriteShared" >> beam.Map(write_shared_recordings, folder, NEW_PLAN)
    if finds:
        matches = planned.matches | "AllMatches" >> beam.CombineGlobally(_union)
        _ = matches | "WriteHeldRows" >> beam.Map(write_matches, folder, f"{NEW_PLAN}/{HELD_ROWS}")
    if limit is None and caption_model is None:
        _ = read.digests | "WriteDigests" >> WriteDigests(folder, NEW_PLAN)
    left_out = (read.left_out, planned.left_out) | "LeftOut" >> beam.Flatten()
    _ = left_out | "WriteLeftOut" >> WriteLeftOut(folder, f"{NEW_PLAN}/{LEFT_OUT}")
    _ = read.counts | "AddCounts" >> beam.CombineGlobally(added) | "WriteCounts" >> beam.Map(_write_counts, folder)


def reading(recipe: BuildRecipe, limit: int | None, folder: Folder, engine: Engine) -> beam.PTransform:
    """Return the step that reads the sources of a recipe. For workers elsewhere, which have not their files, they are read here and now."""
    if not engine.is_remote:
        return ReadSources(recipe.sources, limit)
    return ReadFiles(folder, write_rows(recipe.sources, limit, folder, f"{NEW_PLAN}/{ROWS}"))


def held_rows(recipe: BuildRecipe, limit: int | None) -> HeldRows | None:
    """Return what looks for rows that `holdout` names; `None` where nothing is held out, or some rows are read: they may lack them."""
    return HeldRows.of(recipe.holdout, recipe.folder) if recipe.holdout and limit is None else None


def rules_of(recipe: BuildRecipe, folder: Folder) -> Rules:
    """Return what a recipe says about rows, and what was removed from a folder."""
    return Rules.of(
        recipe.sources,
        recipe.holdout,
        recipe.folder,
        recipe.held_elsewhere,
        recipe.licenses,
        recipe.neutral,
        recipe.template_labels,
        read_removals(folder),
    )


def with_t5(caption_model: CaptionModel, folder: Folder) -> beam.PTransform:
    """Return the step that adds captions by a T5."""
    from transforms.planning.caption_with_t5 import CaptionWithT5  # imports RunInference, and torch with it

    return CaptionWithT5(caption_model, folder, NEW_PLAN)


@dataclass(frozen=True, slots=True)
class PreviousPlan:
    """The shards that an output folder has, in its plan or, without a plan, in its books; and the sample keys of each."""

    folder: Folder
    shards: tuple[ShardId, ...] = ()
    standing: Standing | None = None

    @classmethod
    def of(cls, folder: Folder, plan: Plan | None, standing: Standing) -> PreviousPlan:
        """Return the plan of a folder, or what stands in a folder without a plan."""
        if plan is None:
            return cls(folder, tuple(sorted(standing.shards)), standing)
        return cls(folder, tuple(planned.shard for planned in plan.shards))

    def __call__(self, shard: ShardId) -> Sequence[str]:
        """Return the sample keys of a shard; raises as `read_plan_file`."""
        return read_keys(self.folder, shard) if self.standing is None else self.standing.shards[shard].keys


def make_plan(recipe: BuildRecipe, snapshot: Snapshot, limit: int | None, engine: Engine, changes: Changes = NO_CHANGES) -> Plan:
    """Write the plan of a recipe into a folder, in place of the previous plan, and return it.

    Args:
        snapshot: of the folder; the clips of its plan stay in their shards.

    Raises:
        RecipeError: the T5 that the recipe names cannot be used, or an entry of `holdout` holds nothing out.
        LostRowsError: the engine lost rows.
        DroppedSamplesError: samples that stand are not in the new plan.
        ForeignFilesError: files that are not ours have the names of new shards.
        After each of them nothing was changed.
    """
    folder = snapshot.folder
    caption_model = caption_model_of(recipe)
    made_from = recipe_read(recipe) if limit is None and caption_model is None else None
    fingerprint = recipe.fingerprint(limit)  # before the tables are read: if they change meanwhile, the next build plans again
    standing = read_standing(snapshot)
    previous = PreviousPlan(folder) if changes.reshard else PreviousPlan.of(folder, snapshot.plan, standing)
    discard_new_plan(folder)
    with rare_collections():
        if engine.is_local and caption_model is None and (few := few_rows(recipe, limit)) is not None:
            write_plan_of(few, recipe, rules_of(recipe, folder), previous, folder, held_rows(recipe, limit))
        else:
            return_freed_memory()
            rows = reading(recipe, limit, folder, engine)
            engine.run(lambda root: plan_clips(root, recipe, folder, limit, caption_model, previous, rows), one_worker=True)
    folder.remove_below(f"{NEW_PLAN}/{ROWS}")

    def ready(plan: Plan) -> None:
        prepare(plan, snapshot, standing, changes.prune)
        if made_from is not None:
            write_index(folder, plan, made_from, NEW_PLAN)

    try:
        if recipe.holdout and limit is None:
            check_holdout(recipe, folder)
        return finish_plan(fingerprint, folder, ready)
    except (RecipeError, DroppedSamplesError, ForeignFilesError):
        discard_new_plan(folder)
        raise


def check_holdout(recipe: BuildRecipe, folder: Folder) -> None:
    """Raise RecipeError for every entry of `holdout` that holds nothing out, since no row that was read has what it names."""
    matches = take_matches(folder, f"{NEW_PLAN}/{HELD_ROWS}")
    if faults := unmatched(recipe.holdout, matches, recipe.folder, recipe.held_elsewhere):
        raise RecipeError("\n".join(faults))


def prepare(plan: Plan, snapshot: Snapshot, standing: Standing, prune: bool) -> None:
    """Check what a new plan changes, and hold the shards whose audio it needs elsewhere, before it replaces the previous plan."""
    folder, planned = snapshot.folder, {each.shard for each in plan.shards}
    check_names(planned - standing.ours, snapshot.files.keys())
    change = compare(plan, standing, folder)
    if not prune:
        change.check()
    hold(folder, change.moved, snapshot.files)
    retired = (standing.made | retired_shards(snapshot)) - planned
    if retired:
        folder.write_json(f"{NEW_PLAN}/{RETIRED}", [shard.name for shard in sorted(retired)])


def caption_model_of(recipe: BuildRecipe) -> CaptionModel | None:
    """Load the T5 of a recipe to check it, and return its identity and settings; `None` where captions are made by template.

    Raises:
        RecipeError: the T5 cannot be used; the message says what to do.
    """
    if recipe.captions != "t5":
        return None
    from pipeline.recipe.captioner import load_caption_model

    try:
        return load_caption_model(recipe.t5, recipe.folder, recipe.neutral)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def _union(sets: Iterable[set[Match]]) -> set[Match]:
    return set().union(*sets)


def _write_counts(counts: Mapping[str, int], folder: Folder) -> None:
    folder.write_json(f"{NEW_PLAN}/{ROWS_READ}", dict(sorted(counts.items())))
