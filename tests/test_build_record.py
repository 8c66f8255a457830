"""build.json records the versions of what shapes bytes, the commit, the command and the engine."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.output.plan_index import FORMAT
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.recipe.write import resolved_recipe
from pipeline.verbs.build_record import build_record, build_settings, commit_of
from transforms.shards.versions import installed_versions


def test_a_record_has_versions_command_and_engine(tmp_path: Path) -> None:
    recipe = load_recipe("quickstart")
    settings = build_settings(recipe, Folder(str(tmp_path)))
    record = build_record(recipe, Engine("SparkRunner"), settings, ("build", "quickstart"))
    assert list(record) == ["format", "recipe", "recipe_sha256", "engine", "versions", "commit", "command"]
    assert (record["format"], record["recipe"], record["engine"]) == (FORMAT, recipe.name, "SparkRunner")
    assert record["recipe_sha256"] == sha256(resolved_recipe(recipe).encode()).hexdigest()
    assert record["command"] == ["build", "quickstart"]
    more = {"apache-beam": importlib.metadata.version("apache-beam"), "python": platform.python_version()}
    assert record["versions"] == dict(installed_versions()) | more


def test_the_commit_is_that_of_the_checkout_and_none_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commit_of(tmp_path) is None
    checkout = tmp_path / "checkout"
    (checkout / "below").mkdir(parents=True)
    git = ["git", "-C", str(checkout), "-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    commit = commit_of(checkout / "below")
    assert commit is not None
    assert len(commit) == 40 and set(commit) <= set("0123456789abcdef")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(checkout) is None, "there is no git"
