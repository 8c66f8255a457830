"""The plan: which clips, with which text, in which shard. One page of wiring, and how a plan replaces another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from pipeline.engines.run import Engine
from pipeline.failures import LostRowsError, RecipeError
from pipeline.output.plan_files import read_keys, read_left_out, summary
from pipeline.output.storage import Folder
from pipeline.output.t5_files import T5_CACHE, T5_COUNTS, T5_TEXTS
from pipeline.recipe.model import BuildRecipe
from pipeline.records import ShardId
from transforms.planning.assign_shards import AssignShards
from transforms.planning.caption import CaptionClips, Debias
from transforms.planning.check_licenses import CheckLicenses
from transforms.planning.drop_duplicates import DropDuplicates
from transforms.planning.hold_out import HoldOut
from transforms.planning.read_sources import ReadSources
from transforms.planning.write_plan import WriteLeftOut, WritePlan

if TYPE_CHECKING:
    from transforms.planning.caption_with_t5 import Captioner

PLAN, NEW = "plan", "plan.new"
INDEX, LEFT_OUT, COUNTS = "plan.json", "rejections.parquet", "rows_read.json"


def plan_clips(root: beam.Pipeline, recipe: BuildRecipe, folder: Folder, limit: int | None, captioner: Captioner | None) -> None:
    """Recipe -> plan files, one a shard; everything left out -> rejections.parquet."""
    read, unreadable, counts = root | "ReadSources" >> ReadSources(recipe.sources, limit)
    distinct, repeated = read | "DropDuplicates" >> DropDuplicates(recipe.holdout)
    allowed, held_out = distinct | "HoldOut" >> HoldOut(recipe.holdout, recipe.folder)
    licensed, unlicensed = allowed | "CheckLicenses" >> CheckLicenses(recipe.licenses)
    captioned, textless = licensed | "Caption" >> CaptionClips()
    worded = captioned | "CaptionWithT5" >> with_t5(captioner, folder) if captioner else captioned
    neutral = worded | "Debias" >> Debias(recipe.debias)
    shards = neutral | "AssignShards" >> AssignShards(recipe.shard_size, Places(folder))
    left_out = (unreadable, repeated, held_out, unlicensed, textless) | "LeftOut" >> beam.Flatten()
    _ = shards | "WritePlan" >> WritePlan(folder, NEW)
    _ = left_out | "WriteLeftOut" >> WriteLeftOut(folder, f"{NEW}/{LEFT_OUT}")
    _ = counts | "Gather" >> beam.CombineGlobally(_merged).without_defaults() | "WriteCounts" >> beam.Map(_write_counts, folder)


def with_t5(captioner: Captioner, folder: Folder) -> beam.PTransform:
    """Return the step that adds captions by a T5."""
    from transforms.planning.caption_with_t5 import CaptionWithT5  # and RunInference with it: not before it is asked for

    return CaptionWithT5(captioner, folder, NEW)


@dataclass(frozen=True, slots=True)
class Places:
    """Where every sample key of a split stands in the plan of an output folder."""

    folder: Folder

    def __call__(self, dataset: str, split: str) -> Mapping[str, int]:
        places = {}
        for name in self.folder.names(f"{PLAN}/{dataset}/{split}", ".parquet"):
            index = int(name.rsplit("/", 1)[-1].removesuffix(".parquet"))
            places.update(dict.fromkeys(read_keys(self.folder, name), index))
        return places


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """A shard as the plan has it: how many rows, and the hash of them."""

    shard: ShardId
    n_rows: int
    rows_sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What plan.json says: the recipe's fingerprint, the shards, how many rows were read and left out."""

    fingerprint: str
    shards: tuple[PlannedShard, ...]
    n_read: int
    n_left_out: int

    @property
    def n_clips(self) -> int:
        """Number of rows that are to become samples."""
        return sum(shard.n_rows for shard in self.shards)


def make_plan(recipe: BuildRecipe, folder: Folder, limit: int | None, engine: Engine) -> Plan:
    """Write the plan of a recipe into a folder, in place of the one it has, and return it.

    Raises:
        RecipeError: the T5 that the recipe names cannot be used; nothing was changed.
        LostRowsError: the engine lost rows; nothing was changed.
    """
    captioner = captioner_of(recipe)
    fingerprint = recipe.fingerprint(limit)  # before the tables are read: a change while they are makes the next plan
    folder.remove_below(NEW)
    engine.run(lambda root: plan_clips(root, recipe, folder, limit, captioner), alone=True)
    return finish_plan(fingerprint, folder)


def finish_plan(fingerprint: str, folder: Folder) -> Plan:
    """Count what stands below plan.new, put it in place of the old plan, and return it.

    Raises:
        LostRowsError: the engine lost rows; nothing was changed.
    """
    index = _index(fingerprint, folder)
    folder.write_json(f"{NEW}/{INDEX}", index)
    promote(folder)
    return _parsed(index)


def captioner_of(recipe: BuildRecipe) -> Captioner | None:
    """Return the T5 of a recipe, loaded once to see that it can be; `None` where captions are made by template.

    Raises:
        RecipeError: it cannot be used here; with what to do.
    """
    if recipe.captions != "t5":
        return None
    from pipeline.recipe.captioner import find_captioner

    try:
        return find_captioner(recipe.t5, recipe.folder, recipe.debias)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def read_plan(folder: Folder) -> Plan | None:
    """Return the plan of a folder, `None` where there is none, or its replacement was interrupted. Changes nothing."""
    return _parsed(folder.read_json(f"{PLAN}/{INDEX}")) if folder.exists(f"{PLAN}/{INDEX}") else None


def promote(folder: Folder) -> None:
    """Put a complete new plan in place of the old one, and an incomplete one away. May be interrupted and called again."""
    if not folder.exists(f"{NEW}/{INDEX}"):
        folder.remove_below(NEW)
        return
    new = {name.removeprefix(f"{NEW}/") for name in folder.names(NEW)}
    index = folder.read_json(f"{NEW}/{INDEX}")
    wanted = {INDEX, LEFT_OUT, T5_CACHE, *([T5_TEXTS] if "t5" in index else []), *map(_file_of, index["shards"])}
    folder.remove(f"{PLAN}/{INDEX}")
    for name in sorted(new - {INDEX}):
        folder.move(f"{NEW}/{name}", f"{PLAN}/{name}")
    for name in folder.names(PLAN):
        if name.removeprefix(f"{PLAN}/") not in wanted:
            folder.remove(name)
    folder.move(f"{NEW}/{INDEX}", f"{PLAN}/{INDEX}")
    folder.remove_below(NEW)


def _index(fingerprint: str, folder: Folder) -> dict[str, Any]:
    """Return what plan.json says of the plan files below plan.new, after checking that no row went missing."""
    rows_read, t5 = _taken(folder, COUNTS) or {}, _taken(folder, T5_COUNTS)
    shards: dict[str, dict[str, Any]] = {}
    for name in folder.names(NEW, ".parquet"):
        relative = name.removeprefix(f"{NEW}/")
        if relative not in {LEFT_OUT, T5_CACHE, T5_TEXTS}:
            n_rows, rows_sha256 = summary(folder, name)
            dataset, split, file = relative.split("/")
            shards[f"{dataset}/{split}/{int(file.removesuffix('.parquet'))}"] = {"rows": n_rows, "rows_sha256": rows_sha256}
    n_left_out = read_left_out(folder, f"{NEW}/{LEFT_OUT}").num_rows
    n_read, n_planned = sum(rows_read.values()), sum(shard["rows"] for shard in shards.values())
    if n_read != n_planned + n_left_out:
        raise LostRowsError(f"the engine lost rows: {n_read} were read, {n_planned} planned, {n_left_out} left out")
    told = {"schema": 1, "fingerprint": fingerprint, "rows_read": rows_read, "left_out": n_left_out, "shards": shards}
    return told | ({} if t5 is None else {"t5": t5})


def _taken(folder: Folder, name: str) -> dict[str, Any] | None:
    """Return what a JSON file of the new plan says, and take the file away; `None` where there is none."""
    told = folder.read_json(f"{NEW}/{name}") if folder.exists(f"{NEW}/{name}") else None
    folder.remove(f"{NEW}/{name}")
    return told


def _parsed(index: Mapping[str, Any]) -> Plan:
    shards = tuple(sorted((_planned(name, shard) for name, shard in index["shards"].items()), key=lambda planned: planned.shard))
    return Plan(index["fingerprint"], shards, sum(index["rows_read"].values()), index["left_out"])


def _planned(name: str, shard: Mapping[str, Any]) -> PlannedShard:
    dataset, split, number = name.split("/")
    return PlannedShard(ShardId(dataset, split, int(number)), shard["rows"], shard["rows_sha256"])


def _file_of(name: str) -> str:
    folder, number = name.rsplit("/", 1)
    return f"{folder}/{int(number):05d}.parquet"


def _merged(counts: Any) -> dict[str, int]:
    """Join (dataset, count) pairs and partial results of the same."""
    merged: dict[str, int] = {}
    for part in counts:
        for dataset, count in part.items() if isinstance(part, dict) else [part]:
            merged[dataset] = merged.get(dataset, 0) + count
    return dict(sorted(merged.items()))


def _write_counts(counts: dict[str, int], folder: Folder) -> None:
    folder.write_json(f"{NEW}/{COUNTS}", counts)
