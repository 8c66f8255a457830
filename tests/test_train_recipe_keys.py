"""What `fit --help` and `fit --show-recipe` print about the keys of a recipe."""

import tomllib
from dataclasses import asdict, fields

import pytest

from train.recipe import BUNDLED, TrainRecipe, load_recipe
from train.recipe_keys import keys_help, meaning_of, recipe_toml


@pytest.mark.parametrize("name", [*(p.stem for p in BUNDLED.glob("*.toml"))])
def test_a_shown_recipe_reads_as_the_same_recipe(name, tmp_path):
    recipe = load_recipe(name, ['wandb=a "b"\n# c', "lr=1e-20"])
    (tmp_path / "shown.toml").write_text(recipe_toml(recipe), encoding="utf-8")
    assert load_recipe(str(tmp_path / "shown.toml"), []) == recipe


def test_a_shown_recipe_has_every_key_with_its_meaning_and_default():
    lines = recipe_toml(load_recipe("tiny", ["batch=8"])).splitlines()
    assert list(tomllib.loads("\n".join(lines))) == [entry.name for entry in fields(TrainRecipe)]
    at = lines.index("batch = 8")
    assert lines[at - 1] == "# clips a step, over all ranks (default: 2304)"


def test_the_help_has_every_key_with_its_default_and_meaning():
    text = " ".join(keys_help().split())
    for name, value in asdict(TrainRecipe()).items():
        shown = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else value
        assert f"{name} = {shown} {meaning_of(name)}" in text


def test_every_key_has_a_meaning_of_its_own():
    meanings = [meaning_of(entry.name) for entry in fields(TrainRecipe)]
    assert all(len(meaning.split()) > 1 for meaning in meanings) and len(set(meanings)) == len(meanings)


def test_the_values_of_a_key_with_few_of_them_are_listed():
    assert meaning_of("lock").endswith('; "", "audio", "text" or "both"')
    assert meaning_of("batch") == "clips a step, over all ranks"
