"""A recipe is located by its bundled name or by its path."""

from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.recipe.locate import bundled, locate


def test_the_bundled_recipes_are_listed_in_order_and_found_by_name():
    assert "quickstart" in bundled() and bundled() == sorted(bundled())
    assert locate("quickstart").name == "quickstart.toml" and locate("quickstart").is_file()


def test_a_path_is_found_as_it_is_given(tmp_path, monkeypatch):
    (tmp_path / "quickstart.toml").touch()
    (tmp_path / "mine").touch()
    monkeypatch.chdir(tmp_path)
    assert locate("quickstart.toml") == Path("quickstart.toml")
    assert locate("mine") == Path("mine")
    assert locate(str(tmp_path / "mine")) == tmp_path / "mine"


@pytest.mark.parametrize(
    ("given", "hint"),
    [("quickstrat", "; did you mean 'quickstart'?"), ("folder", ""), ("xyz.toml", "")],
    ids=repr,
)
def test_the_message_about_a_missing_recipe_lists_the_bundled_recipes(given, hint, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError) as caught:
        locate(given)
    assert str(caught.value) == f"{given}: neither a bundled recipe ({', '.join(bundled())}) nor a TOML file{hint}"
