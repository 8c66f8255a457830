"""What is shipped: a source archive with everything in it, and an installed copy that works from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("pipeline", "transforms", "sources", "augment", "train")
NEEDED = [
    "pipeline/recipe/bundled/quickstart.toml",
    "sources/quickstart/clips.csv",
    "sources/quickstart/README.md",
    "sources/quickstart/audio/kick-clean.flac",
    "augment/data/debias_nouns.tsv",
    "train/recipes/tiny.toml",
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tracked files: what is not committed is not shipped."""
    folder = tmp_path_factory.mktemp("checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def run_setup(checkout: Path, *arguments: str) -> Path:
    command = [sys.executable, "-W", "ignore", "setup.py", "--quiet", *arguments, "--dist-dir", "dist"]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True)
    return next((checkout / "dist").glob("*.tar.gz" if arguments[0] == "sdist" else "*.whl"))


def test_the_source_archive_holds_recipes_word_lists_and_sounds(checkout: Path) -> None:
    with tarfile.open(run_setup(checkout, "sdist")) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert set(NEEDED) <= names


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    return run_setup(checkout, "bdist_wheel")


def test_the_wheel_holds_every_module_and_nothing_for_developers(checkout: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert set(NEEDED) <= shipped
    modules = {path.relative_to(checkout).as_posix() for room in ROOMS for path in (checkout / room).rglob("*.py")}
    assert {name for name in shipped if name.endswith(".py")} == modules
    assert {name.split("/")[0] for name in shipped} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_every_folder_with_modules_is_a_package(room: str) -> None:
    folders = {path.parent for path in (ROOT / room).rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_an_installed_copy_builds_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = "import sys, pipeline.command as c; assert 'site' in c.__file__; sys.exit(c.main(['build', 'quickstart', '--output', 'out']))"
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "elsewhere",
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "the books balance" in done.stdout
    assert (tmp_path / "elsewhere" / "out" / "Quickstart" / "train" / "sizes.json").is_file()
