"""A recipe.toml of a folder that is nested without end is read as one that is damaged."""

from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.output.layout import RECIPE
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.verbs.leak_folder import FolderRecipe
from pipeline.verbs.papers import recipe_facts
from pipeline.verbs.recheck import asking_recipe
from pipeline.verbs.verify_record import recorded_recipe


def test_a_recipe_nested_without_end_is_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / RECIPE).write_text("name = " + "[" * 100_000)
    folder = Folder(str(tmp_path))
    assert FolderRecipe.of(folder) == FolderRecipe()
    assert recipe_facts(take_snapshot(folder)).name == "audio-set"
    with pytest.raises(RecipeError, match="cannot be read"):
        asking_recipe(folder)
    with pytest.raises(ValueError, match="nested more than"):
        recorded_recipe(folder.read(RECIPE))
