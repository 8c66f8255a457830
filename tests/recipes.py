"""A folder with everything that recipes need, and functions that load a recipe from it."""

from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.recipe.model import BuildRecipe, load_recipe

SOURCE = '[[sources]]\nsource = "table"\ndataset = "Set"\npath = "clips.csv"\n'


def make_folder(folder: Path) -> Path:
    """Write a table, a list of held recordings and a folder of recordings; return the folder."""
    (folder / "sounds" / "dog").mkdir(parents=True)
    (folder / "sounds" / "dog" / "bark.wav").touch()
    (folder / "clips.csv").write_text("url,caption\na.wav,A dog\n")
    (folder / "held.csv").write_text("url\nb.wav\n")
    return folder


def recipe_of(folder: Path, head: str = "", sources: str = SOURCE, name: str = 'name = "x"\n') -> BuildRecipe:
    """Load a recipe of a name, keys at the top, and sources."""
    (folder / "r.toml").write_text(f"{name}{head}\n{sources}", encoding="utf-8")
    return load_recipe(str(folder / "r.toml"))


def faults_of(folder: Path, head: str = "", sources: str = SOURCE, name: str = 'name = "x"\n') -> list[str]:
    """Return the faults of a recipe, without the path that begins every line."""
    with pytest.raises(RecipeError) as caught:
        recipe_of(folder, head, sources, name)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{folder / 'r.toml'}: ") for line in lines)
    return [line.removeprefix(f"{folder / 'r.toml'}: ") for line in lines]
