"""A resolved recipe reads as the recipe that it was written from, whatever characters its names have."""

import shutil
import tempfile
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.recipe.model import BuildRecipe, load_recipe
from pipeline.recipe.write import resolved_recipe

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FILE_NAMES = TEXT.filter(lambda name: name.strip(".") and not set(name) & {"/", "\0"} and len(name.encode()) < 200)
DATASETS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(lambda name: name.lower() not in {"plan", "t5"})
SECONDS = st.floats(0, 7200)


def tables(**keys: st.SearchStrategy) -> st.SearchStrategy[dict]:
    """Return tables that hold any of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


AUDIO = tables(
    min_seconds=SECONDS,
    max_seconds=st.floats(1e4, 1e5),
    min_source_rate=st.integers(0, 2**40),
    silent_below_db=st.floats(-200, 0) | st.integers(-200, 0),
)
T5 = tables(
    model=TEXT.filter(bool),
    beams=st.integers(1, 64),
    length_penalty=st.floats(allow_nan=False, allow_infinity=False),
    prefix=TEXT,
    separator=TEXT,
    only=st.just([]),
)


@st.composite
def documents(draw: st.DrawFn) -> dict:
    """Return the document of a valid recipe, and the name of the table that it reads."""
    table, own_audio = draw(FILE_NAMES), draw(AUDIO)
    datasets = draw(st.lists(DATASETS, min_size=1, max_size=3, unique=True))
    sources = [{"source": "table", "dataset": name, "path": f"{table}.csv", "caption": ["caption"]} for name in datasets]
    head = tables(
        shard_size=st.integers(1, 100_000),
        holdout=st.lists(st.sampled_from([*datasets, "table", f"{table}.csv"])),
        licenses=st.lists(st.sampled_from(["CC0-1.0", "CC BY 4.0", "RemArc", "LicenseRef-own"])),
        debias=st.sampled_from(["generated", "train", "all", "none"]),
        allow_private=st.booleans(),
        local_files=st.lists(st.sampled_from([".", "..", "/"])),
        respect_robots_tag=st.booleans(),
        contact=TEXT,
        audio=AUDIO,
    )
    document = {"name": "x", **draw(head), "sources": [sources[0] | {"audio": own_audio}, *sources[1:]]}
    return document | ({"captions": "t5", "t5": draw(T5)} if draw(st.booleans()) else {})


def written(recipe: BuildRecipe, folder: Path) -> BuildRecipe:
    """Return the recipe that is read from the resolved one, in another folder."""
    folder.mkdir()
    (folder / "recipe.toml").write_bytes(resolved_recipe(recipe).encode())
    return load_recipe(str(folder / "recipe.toml"))


@given(documents(), FILE_NAMES)
@settings(max_examples=150, deadline=None)
def test_a_resolved_recipe_reads_as_the_same_recipe(document: dict, folder_name: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "in" / folder_name
        try:
            folder.mkdir(parents=True)
            (folder / document["sources"][0]["path"]).write_text("url,caption\na.wav,A dog\n")
        except OSError:
            assume(False)
        (folder / "recipe.toml").write_bytes(tomli_w.dumps(document).encode())
        recipe = load_recipe(str(folder / "recipe.toml"))
        again = written(recipe, Path(temporary) / "out")
        assert again == recipe
        assert again.fingerprint(None) == recipe.fingerprint(None)
        assert resolved_recipe(again) == resolved_recipe(recipe)


@pytest.fixture
def recipe(tmp_path: Path) -> BuildRecipe:
    folder = tmp_path / "my\nsounds\x7f\"'\\"
    folder.mkdir()
    (folder / "clips.csv").write_text("url,caption\na.wav,A dog\n")
    text = '[[sources]]\nsource = "table"\ndataset = "Set"\npath = "clips.csv"\n'
    limits = "[sources.audio]\nmax_seconds = 9.0\n"
    (folder / "recipe.toml").write_text(f'name = "x"\n[audio]\nmin_seconds = 1.0\n{text}{limits}{text.replace("Set", "Other")}')
    return load_recipe(str(folder / "recipe.toml"))


def test_the_folder_is_a_key_at_the_top_and_every_default_is_filled_in(recipe: BuildRecipe) -> None:
    document = tomllib.loads(resolved_recipe(recipe))
    assert list(document)[:2] == ["name", "folder"] and document["folder"] == str(recipe.folder)
    assert document["shard_size"] == 512 and document["debias"] == "generated"
    assert document["audio"] == {"min_seconds": 1.0, "max_seconds": 7200.0, "min_source_rate": 1000, "silent_below_db": -90.0}
    assert "base" not in resolved_recipe(recipe)


def test_of_the_limits_of_a_source_only_its_own_keys_are_written(recipe: BuildRecipe) -> None:
    first, second = tomllib.loads(resolved_recipe(recipe))["sources"]
    assert first["audio"] == {"max_seconds": 9.0} and "audio" not in second


def test_a_table_without_effect_is_left_out_and_one_with_effect_is_written(recipe: BuildRecipe) -> None:
    assert "t5" not in tomllib.loads(resolved_recipe(recipe))
    by_t5 = tomllib.loads(resolved_recipe(recipe.model_copy(update={"captions": "t5"})))
    assert by_t5["t5"]["beams"] == 8 and by_t5["t5"]["only"] == ["audioset", "epidemic"]


def test_a_resolved_recipe_works_in_any_folder_while_the_folder_it_names_exists(recipe: BuildRecipe, tmp_path: Path) -> None:
    assert written(recipe, tmp_path / "elsewhere") == recipe
    shutil.move(recipe.folder, tmp_path / "moved")
    with pytest.raises(ValueError, match=r"clips\.csv: no such file"):
        load_recipe(str(tmp_path / "elsewhere" / "recipe.toml"))
