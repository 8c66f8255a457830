"""Give existing shards new text: the rows of the plan get new text, and changed shards are rewritten with a copy of their audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import apache_beam as beam

from pipeline.engines.elements import elements
from pipeline.engines.run import Engine
from pipeline.failures import RecipeError
from pipeline.keys import stable_hash
from pipeline.output.equal_sounds_file import read_equal_sounds
from pipeline.output.layout import BUILD, LEFT_OUT, N_REWORDED, NEW_PLAN, PLAN, RECIPE, ROWS, ROWS_READ
from pipeline.output.new_plan import discard_new_plan, finish_plan
from pipeline.output.plan_files import read_rows_of
from pipeline.output.plan_index import Plan
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe, parse_recipe
from pipeline.recipe.write import resolved_recipe
from pipeline.records import ShardId
from pipeline.verbs.build_record import build_record, build_settings
from pipeline.verbs.current_plan import standing_snapshot
from pipeline.verbs.missing import missing_rows
from pipeline.verbs.plan import caption_model_of, reading, rules_of, with_t5
from pipeline.verbs.rounds import Watch, shard_task
from pipeline.verbs.status import Books, read_the_books, snapshot_of
from transforms.planning.assign_shards import AssignShards
from transforms.planning.plan_lines import PlannedClips
from transforms.planning.plan_partitions import PlanPartitions
from transforms.planning.reword import Reword, with_text
from transforms.planning.write_plan import WritePlan
from transforms.shards.previous_shard import is_current
from transforms.shards.rewrite_text import RewriteText
from transforms.shards.shard_task import SettingsHashOf, ShardTask

if TYPE_CHECKING:
    from transforms.planning.caption_model import CaptionModel


@dataclass(frozen=True)
class RecaptionOutcome:
    """The result: the books, the number of rewritten shards, of rows with text in the recipe and of all rows, and a line for each fault."""

    books: Books
    n_rewritten: int
    n_read: int
    n_rows: int
    wrong: tuple[str, ...]


def reword_plan(
    root: beam.Pipeline, recipe: BuildRecipe, folder: Folder, plan: Plan, caption_model: CaptionModel | None, read_rows: beam.PTransform
) -> None:
    """Add the steps that give a plan new text: plan files and a recipe -> plan files with the same rows in the same shards."""
    rules = rules_of(recipe, folder)
    read = root | "ReadSources" >> read_rows
    partitions = (read.clips, read.keys) | "PlanPartitions" >> PlanPartitions(rules, with_text=False)
    shards = [planned.shard for planned in plan.shards]
    planned = root | "Plan" >> beam.Create(shards, reshuffle=False) | "Rows" >> beam.Map(_planned_clips, folder)
    reworded, n_read = (planned, partitions.clips) | "Reword" >> Reword()
    captioned = reworded | "Caption" >> beam.Map(with_text, recipe.template_labels)
    worded = captioned | "CaptionWithT5" >> with_t5(caption_model, folder) if caption_model else captioned
    assigned = worded | "AssignShards" >> AssignShards(recipe.shard_size, rules)
    _ = assigned | "WritePlan" >> WritePlan(folder, NEW_PLAN)
    _ = n_read | "WriteCount" >> beam.Map(lambda count: folder.write_json(f"{NEW_PLAN}/{N_REWORDED}", count))


def _planned_clips(shard: ShardId, folder: Folder) -> PlannedClips:
    """Return the clips of a shard; `Reword` divides them by partition."""
    clips = read_rows_of(folder, shard)
    return PlannedClips(0, clips, [shard.index] * len(clips))


def recaption(recipe: BuildRecipe, folder: Folder, engine: Engine, watch: Watch, command: Sequence[str] = ()) -> RecaptionOutcome:
    """Give the samples of a folder the text that a recipe gives them now; no clip is added, removed or moved.

    A later build of any recipe plans again, so that it makes every shard that it would change. When killed and run again, it continues.

    Raises:
        OutputFormatError: the folder has no plan, or a plan that this version cannot read.
        RecipeError: the recipe's T5 cannot be used.
        FolderInUseError: another build is running there.
    """
    with folder.locked():
        standing_snapshot(folder)
        before = snapshot_of(folder)
        n_read = _reword(recipe, before, engine)
        settings = build_settings(recipe, folder)
        snapshot = snapshot_of(folder)
        tasks = list(text_tasks(snapshot, settings.settings_hash_of))
        if tasks:
            with watch(snapshot, tasks), elements(tasks, folder) as given:
                engine.run(lambda root: root | "Tasks" >> given | "RewriteText" >> RewriteText(folder))
            snapshot = snapshot_of(folder)
        folder.remove(BUILD)  # written last: whatever is killed here, the next build writes both again
        folder.write(RECIPE, resolved_recipe(recipe).encode())
        folder.write_json(BUILD, build_record(recipe, engine, settings, command, read_the_books(snapshot).made_with))
    damaged = {task.shard for task in tasks if not snapshot.finished(task.shard, task.inputs_sha256)}
    books = read_the_books(snapshot)
    wrong = [f"{shard}: damaged or not built yet, so its text is as it was; build makes it again" for shard in sorted(damaged)]
    wrong += [] if books.balance or damaged else missing_rows(snapshot)
    return RecaptionOutcome(books, len(tasks) - len(damaged), n_read, before.plan.n_clips if before.plan else 0, tuple(wrong))


def text_tasks(snapshot: Snapshot, settings_hash_of: SettingsHashOf) -> Iterator[ShardTask]:
    """Yield a task for every built shard whose text differs from the plan; missing shards are left to a build.

    A shard whose audio a build would make again gets an inputs hash that no build computes, so that the next build still makes it.
    """
    assert snapshot.plan is not None
    sounds = read_equal_sounds(snapshot.folder)
    for planned in snapshot.plan.shards:
        marker, task = snapshot.markers.get(planned.shard), shard_task(planned, settings_hash_of, sounds)
        if marker is None or marker.inputs_sha256 == task.inputs_sha256:
            continue
        clips = read_rows_of(snapshot.folder, planned.shard)
        if not is_current(snapshot.folder, planned.shard, clips, settings_hash_of(planned.shard.dataset)):
            task = replace(task, inputs_sha256=stable_hash("older audio", planned.rows_sha256))
        if marker.inputs_sha256 != task.inputs_sha256:
            yield task


def recipe_of_folder(folder: Folder) -> BuildRecipe:
    """Return the recipe that a folder was last built with; its paths start from the folder that it names.

    Raises:
        RecipeError: the folder has no recipe, or the recipe refers to files that do not exist any more.
    """
    if not folder.exists(RECIPE):
        raise RecipeError(f"{folder.root}: no {RECIPE} here, so no finished build; name a recipe, or use build")
    return parse_recipe(folder.read(RECIPE), Path(folder.path(RECIPE)))


def _reword(recipe: BuildRecipe, before: Snapshot, engine: Engine) -> int:
    """Replace the plan by one with new text; return how many of its rows have text in the recipe."""
    folder, plan = before.folder, before.plan
    assert plan is not None
    caption_model = caption_model_of(recipe)
    fingerprint = stable_hash("recaptioned", recipe.fingerprint(None))
    discard_new_plan(folder)
    folder.write(f"{NEW_PLAN}/{LEFT_OUT}", folder.read(f"{PLAN}/{LEFT_OUT}"))
    folder.write_json(f"{NEW_PLAN}/{ROWS_READ}", dict(plan.rows_read))
    rows = reading(recipe, None, folder, engine)
    engine.run(lambda root: reword_plan(root, recipe, folder, plan, caption_model, rows))
    folder.remove_below(f"{NEW_PLAN}/{ROWS}")
    n_read: int = folder.read_json(f"{NEW_PLAN}/{N_REWORDED}")
    folder.remove(f"{NEW_PLAN}/{N_REWORDED}")
    finish_plan(fingerprint, folder)
    return n_read
