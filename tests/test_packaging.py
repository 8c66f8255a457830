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
    place = tmp_path_factory.mktemp("checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes((ROOT / name).read_bytes())
    return place


def run_setup(checkout: Path, *arguments: str) -> Path:
    command = [sys.executable, "-W", "ignore", "setup.py", "--quiet", *arguments, "--dist-dir", "dist"]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True)
    return next((checkout / "dist").glob("*.tar.gz" if arguments[0] == "sdist" else "*.whl"))


def test_the_source_archive_holds_recipes_word_lists_and_sounds(checkout: Path) -> None:
    with tarfile.open(run_setup(checkout, "sdist")) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert set(NEEDED) <= names


def test_an_installed_copy_builds_from_another_folder(checkout: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(run_setup(checkout, "bdist_wheel")) as wheel:
        assert set(NEEDED) <= set(wheel.namelist())
        assert not any(name.startswith(("tests/", "bench/")) for name in wheel.namelist())
        wheel.extractall(tmp_path / "site")
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
