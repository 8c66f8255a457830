"""A marker has the versions of the worker that made its shard; a worker with others is refused, unless the recipe allows it."""

from __future__ import annotations

import importlib.metadata
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.command import main
from transforms.shards.versions import CONVERSION, OtherVersionsError, differing, installed_versions, version_of, versions_of_worker

RECIPE = 'name = "two"\nshard_size = 2\nworker_versions = "{}"\n\n[[sources]]\nsource = "quickstart"\n'
PROCESSES = ("--workers", "1", "--direct_running_mode=multi_processing")


def test_versions_are_those_of_the_packages_that_shape_bytes() -> None:
    recorded = installed_versions()
    assert list(recorded) == ["laion-audio", "conversion", "av", "numpy", "pyarrow", "soundfile", "soxr"]
    assert recorded["conversion"] == str(CONVERSION)
    assert recorded["numpy"] == importlib.metadata.version("numpy")
    assert version_of("no-such-package-is-installed") == "unknown"


@pytest.mark.parametrize("name", ["av", "conversion", "laion-audio"])
def test_a_worker_with_another_version_is_refused_with_both_in_one_sentence(name: str) -> None:
    mine = dict(installed_versions())
    with pytest.raises(OtherVersionsError) as caught:
        versions_of_worker(mine | {name: "0.0.1"}, "equal")
    assert str(caught.value) == f"a worker has {name} {mine[name]}, the process that started the build has {name} 0.0.1"
    assert versions_of_worker(mine | {name: "0.0.1"}, "any") == versions_of_worker(mine, "equal") == mine


def test_versions_that_only_one_side_has_differ() -> None:
    assert differing({"a": "1"}, {}) == ["a"] == differing({}, {"a": "1"})


@pytest.fixture
def other_soxr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that start from now on find another version of soxr first; this process keeps its own."""
    info = tmp_path / "site" / "soxr-9.9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: soxr\nVersion: 9.9.9\n")
    above = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{info.parent}{os.pathsep}{Path(__file__).parent.parent}" + (f"{os.pathsep}{above}" if above else ""))


def build(tmp_path: Path, allowed: str, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Build three clips; return the exit code, and the versions that the markers have by their name."""
    (tmp_path / "r.toml").write_text(RECIPE.format(allowed))
    code = main(["build", str(tmp_path / "r.toml"), "--output", str(tmp_path / "out"), *options])
    return code, {
        path.parent.name + path.name: json.loads(path.read_text())["versions"] for path in (tmp_path / "out").rglob("*_stats.json")
    }


@pytest.mark.slow
def test_a_real_worker_process_with_other_versions_is_refused(tmp_path: Path, other_soxr: None, capsys: pytest.CaptureFixture[str]) -> None:
    mine = version_of("soxr")
    code, markers = build(tmp_path, "equal", "--limit", "3", *PROCESSES)
    error = " ".join(capsys.readouterr().err.split())
    assert (code, markers) == (1, {})
    assert f"a worker has soxr 9.9.9, the process that started the build has soxr {mine}" in error
    assert 'worker_versions = "any"' in error and "Traceback" not in error


@pytest.mark.slow
def test_where_the_recipe_allows_it_books_status_and_verify_say_which_shards_other_versions_made(
    tmp_path: Path, other_soxr: None, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, output = version_of("soxr"), str(tmp_path / "out")
    code, before = build(tmp_path, "equal", "--limit", "6")
    assert code == 0 and {versions["soxr"] for versions in before.values()} == {mine}
    code, after = build(tmp_path, "any", "--limit", "8", *PROCESSES)
    made = after.keys() - before.keys()
    assert code == 0 and made and {after[name]["soxr"] for name in made} == {"9.9.9"}, "the shards that stand stay valid"
    assert {after[name]["soxr"] for name in before} == {mine}
    record: dict[str, Any] = json.loads((tmp_path / "out" / "build.json").read_text())
    assert record["versions"]["soxr"] == mine, "of the process that started the build"
    assert [(group["shards"], group["versions"]["soxr"]) for group in record["made_with"]] == [(len(before), mine), (len(made), "9.9.9")]
    capsys.readouterr()
    assert main(["status", output]) == 0 and main(["verify", output]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count(f"made with soxr 9.9.9 (the most: {mine}): Quickstart/") == 2 and "no faults" in shown
    assert main(["status", output, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["made_with"] == record["made_with"]
