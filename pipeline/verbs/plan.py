"""Plan a recipe: which clips, with which text, in which shard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from pipeline.engines.run import Engine
from pipeline.failures import RecipeError
from pipeline.output.layout import HELD_ROWS, LEFT_OUT, NEW_PLAN, RETIRED, ROWS_READ
from pipeline.output.moved_shards import hold
from pipeline.output.new_plan import discard_new_plan, finish_plan
from pipeline.output.ownership import ForeignFilesError, check_names, retired_shards
from pipeline.output.plan_change import DroppedSamplesError, compare
from pipeline.output.plan_files import read_keys
from pipeline.output.plan_index import Plan
from pipeline.output.snapshot import Snapshot
from pipeline.output.standing import Standing, read_standing
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.verbs.changes import NO_CHANGES, Changes
from transforms.planning.assign_shards import AssignShards, IndicesOfSplit
from transforms.planning.captions import CaptionClips
from transforms.planning.check_licenses import CheckLicenses
from transforms.planning.debias import Debias
from transforms.planning.drop_duplicates import DropDuplicates
from transforms.planning.find_held_rows import FindHeldRows, take_matches, unmatched, write_matches
from transforms.planning.hold_out import HoldOut
from transforms.planning.join_captions import JoinCaptions, joining_sources
from transforms.planning.read_sources import ReadSources
from transforms.planning.share_recordings import ShareRecordings, write_shared_recordings
from transforms.planning.write_plan import WriteLeftOut, WritePlan

if TYPE_CHECKING:
    from transforms.planning.caption_model import CaptionModel


def plan_clips(
    root: beam.Pipeline,
    recipe: BuildRecipe,
    folder: Folder,
    limit: int | None,
    caption_model: CaptionModel | None,
    indices: IndicesOfSplit,
) -> None:
    """Add the steps of planning: recipe -> one plan file for each shard; the rows left out -> rejections.parquet."""
    read, unreadable, counts = root | "ReadSources" >> ReadSources(recipe.sources, limit)
    distinct, repeated = read | "DropDuplicates" >> DropDuplicates(recipe.holdout)
    allowed, held_out = distinct | "HoldOut" >> HoldOut(recipe.holdout, recipe.folder, recipe.held_elsewhere)
    joined, moved = allowed | "JoinCaptions" >> JoinCaptions(joining_sources(recipe.sources), recipe.holdout)
    licensed, unlicensed = joined | "CheckLicenses" >> CheckLicenses(recipe.licenses)
    captioned, textless = licensed | "Caption" >> CaptionClips()
    worded = captioned | "CaptionWithT5" >> with_t5(caption_model, folder) if caption_model else captioned
    neutral = worded | "Debias" >> Debias(recipe.debias)
    shards = neutral | "AssignShards" >> AssignShards(recipe.shard_size, indices)
    shared = (distinct, captioned) | "ShareRecordings" >> ShareRecordings()
    _ = shared | "WriteShared" >> beam.Map(write_shared_recordings, folder, NEW_PLAN)
    if recipe.holdout and limit is None:  # a part of the rows need not have what is held out
        held_rows = read | "FindHeldRows" >> FindHeldRows(recipe.holdout, recipe.folder)
        _ = held_rows | "WriteHeldRows" >> beam.Map(write_matches, folder, f"{NEW_PLAN}/{HELD_ROWS}")
    left_out = (unreadable, repeated, held_out, moved, unlicensed, textless) | "LeftOut" >> beam.Flatten()
    _ = shards | "WritePlan" >> WritePlan(folder, NEW_PLAN)
    _ = left_out | "WriteLeftOut" >> WriteLeftOut(folder, f"{NEW_PLAN}/{LEFT_OUT}")
    _ = counts | "AddCounts" >> beam.CombineGlobally(_merged).without_defaults() | "WriteCounts" >> beam.Map(_write_counts, folder)


def with_t5(caption_model: CaptionModel, folder: Folder) -> beam.PTransform:
    """Return the step that adds captions by a T5."""
    from transforms.planning.caption_with_t5 import CaptionWithT5  # imports RunInference, and torch with it

    return CaptionWithT5(caption_model, folder, NEW_PLAN)


@dataclass(frozen=True, slots=True)
class PreviousShardIndices:
    """(dataset, split) -> the shard index of each sample key in an output folder: in its plan or, without a plan, in its books."""

    folder: Folder
    plan: Plan | None
    standing: Standing = field(default_factory=Standing)

    def __call__(self, dataset: str, split: str) -> Mapping[str, int]:
        if self.plan is None:
            return self.standing.indices(dataset, split)
        indices = {}
        for planned in self.plan.shards:
            if (planned.shard.dataset, planned.shard.split) == (dataset, split):
                indices.update(dict.fromkeys(read_keys(self.folder, planned.shard), planned.shard.index))
        return indices


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
    fingerprint = recipe.fingerprint(limit)  # before the tables are read: if they change meanwhile, the next build plans again
    standing = read_standing(snapshot)
    indices = PreviousShardIndices(folder, None) if changes.reshard else PreviousShardIndices(folder, snapshot.plan, standing)
    discard_new_plan(folder)
    engine.run(lambda root: plan_clips(root, recipe, folder, limit, caption_model, indices), one_worker=True)
    try:
        if recipe.holdout and limit is None:
            check_holdout(recipe, folder)
        return finish_plan(fingerprint, folder, partial(_prepare, snapshot=snapshot, standing=standing, prune=changes.prune))
    except (RecipeError, DroppedSamplesError, ForeignFilesError):
        discard_new_plan(folder)
        raise


def check_holdout(recipe: BuildRecipe, folder: Folder) -> None:
    """Raise RecipeError for every entry of `holdout` that holds nothing out, since no row that was read has what it names."""
    matches = take_matches(folder, f"{NEW_PLAN}/{HELD_ROWS}")
    if faults := unmatched(recipe.holdout, matches, recipe.folder, recipe.held_elsewhere):
        raise RecipeError("\n".join(faults))


def _prepare(plan: Plan, snapshot: Snapshot, standing: Standing, prune: bool) -> None:
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
        return load_caption_model(recipe.t5, recipe.folder, recipe.debias)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def _merged(counts: Any) -> dict[str, int]:
    """Add up (dataset, count) pairs and partial results, as `beam.CombineGlobally` calls it with both."""
    merged: dict[str, int] = {}
    for part in counts:
        for dataset, count in part.items() if isinstance(part, dict) else [part]:
            merged[dataset] = merged.get(dataset, 0) + count
    return dict(sorted(merged.items()))


def _write_counts(counts: dict[str, int], folder: Folder) -> None:
    folder.write_json(f"{NEW_PLAN}/{ROWS_READ}", counts)
