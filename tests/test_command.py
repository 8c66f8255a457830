"""The command line: verbs, exit codes, what is said where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.command import main
from sources import SOURCES
from tests.fates import REASONS, command, make_fates, published


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fates(tmp_path_factory.mktemp("fates"))


def test_build_prints_the_books_and_ends_with_zero(recipe: Path, tmp_path: Path) -> None:
    done = command("build", recipe, "--output", tmp_path)
    assert done.returncode == 0
    assert "the books balance" in done.stdout and "duplicate 2" in done.stdout
    assert "5 shards made" in done.stdout and "plan/rejections.parquet" in done.stdout
    assert "clips 21/21" in done.stderr  # no terminal: lines
    again = command("build", recipe, "--output", tmp_path)
    assert again.returncode == 0 and "nothing was left to do" in again.stdout


def test_build_and_status_answer_scripts_with_json(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(recipe), "--output", str(tmp_path), "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert main(["status", str(tmp_path), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status == {name: value for name, value in built.items() if name != "built"}
    assert status["total"]["reasons"] == REASONS and status["balance"] is True


def test_plan_then_build_is_the_same_as_build(recipe: Path, tmp_path: Path) -> None:
    assert main(["plan", str(recipe), "--output", str(tmp_path / "two")]) == 0
    assert not list((tmp_path / "two").rglob("*.tar"))
    assert main(["build", str(recipe), "--output", str(tmp_path / "two")]) == 0
    assert main(["build", str(recipe), "--output", str(tmp_path / "one")]) == 0
    assert published(tmp_path / "one") == published(tmp_path / "two")


def test_a_dry_run_writes_nothing(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", str(recipe), "--dry-run"]) == 0
    assert "21 in 5 shards" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "quickstrat", "--output", "x"], "did you mean 'quickstart'?"),
        (["build", "missing.toml", "--output", "x"], "missing.toml: neither a bundled recipe"),
        (["plan", "quickstart"], "--output DIR is needed"),
        (["status", "nowhere"], "no plan here"),
        (["retry", "x"], "retry: not yet"),
        (["remove", "x"], "remove: not yet"),
        (["report", "x"], "report: not yet"),
        (["build", "quickstart", "--output", "x", "stray"], "unexpected argument 'stray'"),
    ],
)
def test_bad_usage_ends_with_two_before_anything_runs(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [[], ["biuld"], ["status", "x", "--frobnicate"], ["build", "quickstart", "--output", "x", "--workers", "0"]]
)
def test_the_parser_refuses_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_every_fault_of_a_recipe_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "bad.toml"
    recipe.write_text('nmae = "x"\nshard_size = 0\n[[sources]]\nsource = "tabel"\n')
    assert main(["build", str(recipe), "--output", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert all(part in said for part in ("did you mean 'name'", "shard_size = 0", "did you mean 'table'", str(recipe)))
    assert not (tmp_path / "out").exists()


def test_sources_lists_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(SOURCES)
    assert main(["sources"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in SOURCES)


def test_help_teaches_every_verb() -> None:
    told = command("--help")
    assert told.returncode == 0 and "Exit codes" in told.stdout
    for verb in ("sources", "plan", "build", "status", "verify", "retry", "remove", "recaption", "report"):
        assert verb in told.stdout


def test_unknown_options_go_to_beam(recipe: Path, tmp_path: Path) -> None:
    assert main(["build", str(recipe), "--output", str(tmp_path), "--direct_running_mode=in_memory", "--direct_num_workers", "1"]) == 0


def test_a_runner_beam_does_not_know_is_said(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(recipe), "--output", str(tmp_path), "--runner", "NoSuchRunner"]) == 2
    assert "NoSuchRunner" in capsys.readouterr().err
