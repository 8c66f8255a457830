"""New text into shards that stand: the plan's rows are worded anew, the audio is copied, and the shards that changed are rewritten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import apache_beam as beam

from pipeline.engines.run import Engine
from pipeline.failures import RecipeError
from pipeline.output.plan_files import plan_name, read_plan_file
from pipeline.output.shard_files import read_marker
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe, parse_recipe
from pipeline.recipe.write import resolved_recipe
from pipeline.records import Clip, stable_hash
from pipeline.verbs.build import Watch, build_record, build_settings
from pipeline.verbs.plan import COUNTS, INDEX, LEFT_OUT, NEW, PLAN, Places, Plan, captioner_of, finish_plan, promote, read_plan, with_t5
from pipeline.verbs.status import Books, SettingsHashOf, inputs_sha256, missing_rows, read_the_books
from transforms.planning.assign_shards import AssignShards
from transforms.planning.caption import CaptionClips, Debias
from transforms.planning.drop_duplicates import DropDuplicates
from transforms.planning.read_sources import ReadSources
from transforms.planning.reword import Reword
from transforms.planning.write_plan import WritePlan
from transforms.shards.build_shards import ShardTask
from transforms.shards.previous_shard import is_current
from transforms.shards.rewrite_text import RewriteText

if TYPE_CHECKING:
    from transforms.planning.caption_with_t5 import Captioner

REWORDED = "reworded.json"


@dataclass(frozen=True)
class Recaptioned:
    """What was done: the books, shards rewritten, rows that the recipe had text for of all rows, and what is wrong."""

    books: Books
    n_rewritten: int
    n_read: int
    n_rows: int
    wrong: tuple[str, ...]


def reword_plan(root: beam.Pipeline, recipe: BuildRecipe, folder: Folder, plan: Plan, captioner: Captioner | None) -> None:
    """Plan files and a recipe -> plan files with the same rows in the same places, and new text."""
    read, _, _ = root | "ReadSources" >> ReadSources(recipe.sources, None)
    distinct, _ = read | "DropDuplicates" >> DropDuplicates(recipe.holdout)
    names = [f"{PLAN}/{plan_name(planned.shard)}" for planned in plan.shards]
    planned = root | "Plan" >> beam.Create(names, reshuffle=False) | "Rows" >> beam.FlatMap(_rows, folder)
    renewed, n_read = (planned, distinct) | "Reword" >> Reword()
    captioned, _ = renewed | "Caption" >> CaptionClips()
    worded = captioned | "CaptionWithT5" >> with_t5(captioner, folder) if captioner else captioned
    neutral = worded | "Debias" >> Debias(recipe.debias)
    shards = neutral | "AssignShards" >> AssignShards(recipe.shard_size, Places(folder))
    _ = shards | "WritePlan" >> WritePlan(folder, NEW)
    _ = n_read | "WriteCount" >> beam.Map(lambda count: folder.write_json(f"{NEW}/{REWORDED}", count))


def recaption(recipe: BuildRecipe, folder: Folder, engine: Engine, watch: Watch, command: Sequence[str] = ()) -> Recaptioned:
    """Give the samples of a folder the text that a recipe gives them now; no clip comes, goes or moves.

    A later build of any recipe plans anew, so that nothing it would change is taken for done. Killed and run again, it
    goes on where it was.

    Raises:
        RecipeError: there is no plan in the folder, or the recipe's T5 cannot be used.
        FolderInUseError: another build is at work there.
    """
    with folder.locked():
        promote(folder)
        old = read_plan(folder)
        if old is None:
            raise RecipeError(f"{folder.root}: no plan here, so nothing to give new text to; use build")
        plan, n_read = _new_plan(recipe, folder, old, engine)
        tasks = list(text_tasks(plan, folder, build_settings(recipe, folder).settings_hash_of))
        if tasks:
            with watch(folder, tasks):
                engine.run(lambda root: root | "Tasks" >> beam.Create(tasks) | "RewriteText" >> RewriteText(folder))
        folder.write("recipe.toml", resolved_recipe(recipe).encode())
        folder.write_json("build.json", build_record(recipe, engine, build_settings(recipe, folder), command))
        books = read_the_books(plan, folder)
        damaged = [str(task.shard) for task in tasks if not _is_done(task, folder)]
        wrong = [f"{shard}: damaged, so its text was left as it was; build makes it again" for shard in damaged]
        wrong += [] if books.balance else missing_rows(plan, folder)
    return Recaptioned(books, len(tasks) - len(damaged), n_read, plan.n_clips, tuple(wrong))


def text_tasks(plan: Plan, folder: Folder, settings_hash_of: SettingsHashOf) -> Iterator[ShardTask]:
    """Yield a task for every shard that is there with other text; shards that were never made wait for a build."""
    for planned in plan.shards:
        marker = read_marker(folder, planned.shard)
        shape = settings_hash_of(planned.shard.dataset)
        if marker is None or marker.inputs_sha256 == inputs_sha256(planned, shape):
            continue
        clips = read_plan_file(folder, f"{PLAN}/{plan_name(planned.shard)}")
        current = is_current(folder, planned.shard, clips, shape)
        source = inputs_sha256(planned, shape) if current else stable_hash("older audio", planned.rows_sha256)  # which a build makes again
        if marker.inputs_sha256 != source:
            yield ShardTask(planned.shard, PLAN, source, planned.n_rows)


def own_recipe(folder: Folder) -> BuildRecipe:
    """Return the recipe that a folder was last built with; its paths start from the folder that it names.

    Raises:
        RecipeError: the folder has none, or what it names is not there any more.
    """
    if not folder.exists("recipe.toml"):
        raise RecipeError(f"{folder.root}: no recipe.toml here, so no finished build; name a recipe, or use build")
    return parse_recipe(folder.read("recipe.toml"), Path(folder.path("recipe.toml")))


def _new_plan(recipe: BuildRecipe, folder: Folder, old: Plan, engine: Engine) -> tuple[Plan, int]:
    """Put the plan with new text in place of the old one; return it, and how many of its rows the recipe has text for."""
    captioner = captioner_of(recipe)
    fingerprint = stable_hash("recaptioned", recipe.fingerprint(None))
    folder.remove_below(NEW)
    folder.write(f"{NEW}/{LEFT_OUT}", folder.read(f"{PLAN}/{LEFT_OUT}"))
    folder.write_json(f"{NEW}/{COUNTS}", folder.read_json(f"{PLAN}/{INDEX}")["rows_read"])
    engine.run(lambda root: reword_plan(root, recipe, folder, old, captioner))
    n_read = folder.read_json(f"{NEW}/{REWORDED}")
    folder.remove(f"{NEW}/{REWORDED}")
    return finish_plan(fingerprint, folder), n_read


def _rows(name: str, folder: Folder) -> list[Clip]:
    return read_plan_file(folder, name)


def _is_done(task: ShardTask, folder: Folder) -> bool:
    marker = read_marker(folder, task.shard)
    return marker is not None and marker.inputs_sha256 == task.inputs_sha256
