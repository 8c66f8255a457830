"""A folder has the plan of its recipe when nothing asks for another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe, load_recipe
from pipeline.records import ShardId
from pipeline.verbs.changes import Changes
from pipeline.verbs.current_plan import current_plan, standing_snapshot
from tests.eager import EagerEngine
from tests.outcomes import clip, write_plan

SHARD = ShardId("Set", "train", 0)
RECIPE = 'name = "r"\n\n[[sources]]\nsource = "table"\ndataset = "Set"\npath = "clips.csv"\n'


@pytest.fixture
def recipe(tmp_path: Path) -> BuildRecipe:
    (tmp_path / "clips.csv").write_text("id,url,caption\na,a.wav,One.\nb,b.wav,Two.\n")
    (tmp_path / "r.toml").write_text(RECIPE)
    return load_recipe(str(tmp_path / "r.toml"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "out"))


def planned(recipe: BuildRecipe, folder: Folder, limit: int | None = None, changes: Changes | None = None) -> bool:
    """Return whether the plan was made, and check that it is that of the recipe."""
    snapshot, is_new = current_plan(recipe, take_snapshot(folder), limit, EagerEngine(), *([changes] if changes else []))
    assert snapshot.plan is not None and snapshot.plan.fingerprint == recipe.fingerprint(limit)
    return is_new


def test_a_plan_is_made_once_for_each_recipe_and_limit(recipe: BuildRecipe, folder: Folder) -> None:
    assert [planned(recipe, folder, limit) for limit in (None, None, 1, 1)] == [True, False, True, False]


@pytest.mark.parametrize(("changes", "is_new"), [(Changes(reshard=True), True), (Changes(repair=True), True), (Changes(prune=True), False)])
def test_changes_ask_for_a_new_plan(changes: Changes, is_new: bool, recipe: BuildRecipe, folder: Folder) -> None:
    planned(recipe, folder)
    assert planned(recipe, folder, changes=changes) == is_new


def test_masked_addresses_that_are_not_held_any_more_are_read_again(recipe: BuildRecipe, folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("id,url,caption\na,https://example.org/a.wav?token=secretsecretsecret,One.\n")
    assert planned(recipe, folder) and not planned(recipe, folder)
    folder.remove("plan/addresses/Set/train/0.json")
    assert planned(recipe, folder)


def test_a_damaged_plan_counts_as_none_and_an_interrupted_one_is_finished(folder: Folder) -> None:
    write_plan({SHARD: [clip("a")]}, folder)
    folder.write("plan/plan.json", b"x")
    assert standing_snapshot(folder).plan is None
    plan = write_plan({SHARD: [clip("b")]}, folder, below="plan.new")
    assert standing_snapshot(folder).plan == plan
