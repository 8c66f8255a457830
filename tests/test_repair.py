"""A repair makes the shards anew in which verify finds faults, with the bytes that they had."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.changes import Changes
from pipeline.verbs.verify import verify
from tests.damage import BOOKS, TAR, Built, Damage, make_set
from tests.damage_content import CONTENT
from tests.damage_tar import TAR_AND_MARKER
from tests.eager import EagerEngine
from tests.fates import unwatched

NAMES = {
    "two clips swapped",
    "silence of the same length",
    "cut FLAC",
    "captions shifted",
    "JSON: text changed",
    "books: invented reason",
    "books: without status",
    "books: a sample called rejected and cut from the tar",
    "tar: a sample less",
    "tar: times by pax",
    "tar: long name of 40 GB",
    "tar: cut in the middle",
    "marker: other sounds_sha256",
}
DAMAGES = [damage for damage in (*CONTENT, *TAR_AND_MARKER) if damage.name in NAMES]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repair")
    make_set(root)
    return root


def repair(built: Built, home: Path) -> Outcome:
    recipe = load_recipe(str(home / "recipe.toml"))
    return build(recipe, built.folder, None, EagerEngine(), unwatched, changes=Changes(repair=True))


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_a_damaged_shard_gets_its_bytes_back(damage: Damage, home: Path, tmp_path: Path) -> None:
    built = Built(shutil.copytree(home / "out", tmp_path / "out"))
    damage.change(built)
    if damage.agrees:
        built.agree()
    assert repair(built, home).missing == ()
    assert [str(fault) for fault in verify(built.folder, deep=True)] == []
    assert [built.path(name).read_bytes() for name in (TAR, BOOKS)] == [(home / "out" / name).read_bytes() for name in (TAR, BOOKS)]


def test_a_set_without_faults_is_not_made_again(home: Path, tmp_path: Path) -> None:
    built = Built(shutil.copytree(home / "out", tmp_path / "out"))
    assert repair(built, home).n_built == 0
    assert list(verify(Folder(str(built.root)), deep=True)) == []
