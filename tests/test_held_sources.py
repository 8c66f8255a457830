"""A recipe may hold out a known set that it does not build: the set's own table says which recordings those are."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.recipe.model import load_recipe
from sources.metadata.held_lists import HeldOut, Listed
from tests.fates import build_into
from transforms.planning.held_sources import lacking, options_of, read_source_of

SLICES = "slice_file_name,fsID,start,end,salience,fold,classID,class\n7061-6-0-0.wav,7061,0,4,1,5,6,gun_shot\n"
RECIPE = """
name = "x"
holdout = ["urbansound8k"]
[[sources]]
source = "table"
dataset = "Mine"
path = "clips.csv"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "clips.csv").write_text("url,caption\nhttps://freesound.org/s/7061/,A shot\nrain.wav,Rain\n")
    (tmp_path / "r.toml").write_text(RECIPE)
    return tmp_path


def test_recordings_of_a_set_that_is_not_built_are_held_out(home: Path) -> None:
    (home / "UrbanSound8K.csv").write_text(SLICES)
    outcome = build_into(home / "out", home / "r.toml")
    assert outcome.books.total.reasons["held_out"] == 1
    assert set(outcome.books.datasets) == {"Mine"}  # the set itself is not built
    before = load_recipe(str(home / "r.toml")).fingerprint(None)
    (home / "UrbanSound8K.csv").write_text(SLICES + "1-0-0-0.wav,1,0,4,1,5,0,air_conditioner\n")
    assert load_recipe(str(home / "r.toml")).fingerprint(None) != before  # a plan depends on the table


def test_a_set_whose_recordings_no_row_has_is_no_fault(home: Path) -> None:
    (home / "UrbanSound8K.csv").write_text(SLICES.replace("7061", "99"))
    assert "held_out" not in build_into(home / "out", home / "r.toml").books.total.reasons


def test_a_table_that_is_missing_is_a_fault_with_the_step_to_get_it(home: Path) -> None:
    with pytest.raises(RecipeError, match=r"holdout = 'urbansound8k': .*UrbanSound8K\.csv"):
        load_recipe(str(home / "r.toml"))
    recipe = load_recipe(str(home / "r.toml"), files_are_needed=False)
    assert lacking(recipe.tables_read[-1])


def test_only_the_split_that_is_named_is_read(tmp_path: Path) -> None:
    (tmp_path / "vggsound.csv").write_text("aaaaaaaaaaa,10,rain,train\nbbbbbbbbbbb,20,wind,test\n")
    assert list(read_source_of(HeldOut(name="vggsound:test"), tmp_path)) == [Listed("youtube:bbbbbbbbbbb", 20.0, 30.0)]


@pytest.mark.parametrize(("name", "words"), [("table", "needs keys of its own"), ("nothing", "no source is called 'nothing'")])
def test_a_source_that_cannot_be_read_without_keys_is_refused(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        options_of(HeldOut(name=name), tmp_path)
