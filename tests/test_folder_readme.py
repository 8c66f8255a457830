"""HuggingFace `datasets` reads an output folder and each of its splits, whatever values the first samples lack."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from pipeline.output.folder_readme import OURS, readme
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import ShardId
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import tone, unwatched

RECIPE = 'name = "sparse"\nshard_size = 4\n\n[[sources]]\nsource = "table"\ndataset = "Sparse"\npath = "clips.csv"\n'
COLUMNS = ["id", "url", "caption", "split", "start", "end", "title", "license", "creator", "labels"]
FIRST, SECOND, VALID = ShardId("A", "train", 0), ShardId("A", "train", 1), ShardId("B", "valid", 0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A folder for what `datasets` writes; it may not ask its hub."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("huggingface")))
        yield os.environ["HF_HOME"]


def sparse_set(root: Path) -> Path:
    """Build clips of which half lack every value that may be missing; return the folder."""
    rows = []
    for n in range(16):
        soundfile.write(root / f"{n}.wav", tone(200 + 20 * n, 0.2, 8000), 8000, subtype="PCM_16")
        values = ["", "", "", "", "", ""] if n % 2 else ["0.05", "0.15", f"Title {n}", "CC0-1.0", "Somebody", "hum;tone"]
        rows.append([f"c{n}", f"{n}.wav", f"Sound {n}.", "valid" if n > 11 else "train", *values])
    with (root / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    (root / "recipe.toml").write_text(RECIPE)
    build_recipe(str(root / "recipe.toml"), root / "out")
    return root / "out"


def build_recipe(recipe: str, output: Path) -> None:
    build(load_recipe(recipe), Folder(str(output)), None, EagerEngine(), unwatched)


def read(folder: Path, cache: str) -> dict[str, list[dict]]:
    """Return every sample of a folder as `datasets` reads it, by split; it would decode audio with the FFmpeg of the system."""
    import datasets

    splits = datasets.load_dataset(str(folder), cache_dir=cache)
    return {name: list(split.cast_column("flac", datasets.Audio(decode=False))) for name, split in splits.items()}


def test_datasets_reads_every_split_of_the_quickstart(tmp_path: Path, cache: str) -> None:
    build_recipe("quickstart", tmp_path / "out")
    splits = read(tmp_path / "out", cache)
    tars = {path.parent.name for path in (tmp_path / "out").glob("*/*/*.tar")}
    assert splits.keys() == tars == {"train", "valid", "test"}
    assert all(sample["json"]["text"] for samples in splits.values() for sample in samples)


def test_datasets_reads_a_set_whose_values_are_often_missing(tmp_path: Path, cache: str) -> None:
    splits = read(sparse_set(tmp_path), cache)
    samples = {sample["json"]["original_data"]["id"]: sample["json"] for split in splits.values() for sample in split}
    assert len(samples) == 16
    full, sparse = samples["c0"]["original_data"], samples["c1"]["original_data"]
    assert (full["start"], full["end"], full["title"]) == (0.05, 0.15, "Title 0")
    for sample in (sample for split in splits.values() for sample in split):
        frames, rate = soundfile.read(io.BytesIO(sample["flac"]["bytes"]), dtype="int16")
        assert rate == 48_000 and len(frames) == round(48_000 * sample["json"]["original_data"]["duration"])
    assert (sparse["start"], sparse["end"], sparse["title"], samples["c1"]["tag"]) == (0.0, 0.2, "", [])


def test_each_split_of_each_dataset_has_its_tars() -> None:
    lines = readme("set", [FIRST, SECOND, VALID], [FIRST, SECOND, VALID]).splitlines()
    assert lines[:11] == [
        *("---", "configs:", "- config_name: default", "  data_files:"),
        *("  - split: train", "    path:", '    - "A/train/*.tar"', "  - split: valid", "    path:", '    - "B/valid/*.tar"', "---"),
    ]


def test_tars_without_samples_are_left_out() -> None:
    lines = readme("set", [SECOND], [FIRST, SECOND, VALID]).splitlines()
    assert lines[4:8] == ["  - split: train", "    path:", '    - "A/train/1.tar"', "---"]
    assert "  data_files: []" in readme("set", [], [FIRST]).splitlines()


def test_a_readme_of_somebody_else_stays_and_ours_is_kept_up_to_date(tmp_path: Path) -> None:
    output = sparse_set(tmp_path)
    ours = (output / "README.md").read_text()
    assert OURS in ours
    for before, after in ((ours.replace("train", "gone"), ours), ("# My own notes\n", "# My own notes\n")):
        (output / "README.md").write_text(before)
        build_recipe(str(tmp_path / "recipe.toml"), output)
        assert (output / "README.md").read_text() == after
