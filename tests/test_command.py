"""The command line: verbs, exit codes, and which messages go to stdout and stderr."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.command import main, run, stop_at_once, stop_soon
from pipeline.failures import STOPPED
from pipeline.parser import VERBS, make_parser
from sources import SOURCES
from tests.eager import EagerEngine
from tests.fates import REASONS, command, make_fates, published


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fates(tmp_path_factory.mktemp("fates"))


def test_build_prints_the_books_and_ends_with_zero(recipe: Path, tmp_path: Path) -> None:
    done = command("build", recipe, "--output", tmp_path)
    assert done.returncode == 0
    assert "the books balance" in done.stdout and "duplicate 1" in done.stdout and "merged 1" in done.stdout
    assert "5 shards made" in done.stdout and "plan/rejections.parquet" in done.stdout
    assert "clips 21/21" in done.stderr  # no terminal: lines
    again = command("build", recipe, "--output", tmp_path)
    assert again.returncode == 0 and "nothing was left to do" in again.stdout


def test_build_and_status_print_the_same_json(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(recipe), "--output", str(tmp_path), "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert main(["status", str(tmp_path), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status.pop("rejected_licenses") == {}
    assert status == {name: value for name, value in built.items() if name not in ("built", "paused")}
    assert status["total"]["reasons"] == REASONS and status["balance"] is True


def test_plan_build_and_recaption_print_what_the_t5_wrote_but_not_into_json(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.engines.run.open_engine", lambda *_: EagerEngine())
    monkeypatch.setattr("pipeline.report.text_lines.t5_lines", lambda folder: [f"texts of a T5 in {folder.root}"])
    for verb in (["plan", recipe, "--output"], ["build", recipe, "--output"], ["recaption"]):
        arguments = [*map(str, verb), str(tmp_path)]
        assert main(arguments) == 0
        has_t5 = verb[0] != "build"  # a build asks only where its plan has texts of a T5; test_terminal.py has one that has
        assert (f"texts of a T5 in {tmp_path}\n" in capsys.readouterr().out) is has_t5
        if verb[0] != "plan":
            assert main([*arguments, "--json"]) == 0
            assert json.loads(capsys.readouterr().out)


def test_plan_then_build_gives_the_same_bytes_as_build(recipe: Path, tmp_path: Path) -> None:
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
    assert "5 shards; 5 rows left out" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "quickstrat", "--output", "x"], "did you mean 'quickstart'?"),
        (["build", "missing.toml", "--output", "x"], "missing.toml: neither a bundled recipe"),
        (["plan", "quickstart"], "--output DIR is needed"),
        (["status", "nowhere"], "no plan here"),
        (["build", "quickstart", "--output", "x", "stray"], "unexpected argument 'stray'"),
    ],
)
def test_bad_usage_ends_with_two_before_anything_runs(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "VERB"),
        (["biuld"], "invalid choice: 'biuld'"),
        (["retire", "x"], "invalid choice: 'retire'"),
        (["retry", "x", "--reason", "bad luck"], "no reason is called 'bad luck', there are ambiguous, bot_check"),
        (["retry", "x", "--reason", "license"], "license is decided when rows are planned"),
        (["retry", "x", "--reason", ","], "no reason is given"),
        (["status", "x", "--frobnicate"], "unknown option --frobnicate"),
        (["build", "quickstart", "--output", "x", "--workers", "0"], "argument --workers: '0' is not a positive whole number"),
        (["build", "quickstart", "--output", "x", "--limit", "-3"], "argument --limit: '-3' is not a positive whole number"),
        (["build", "quickstart", "--output", "x", "--limit", "1.5"], "argument --limit: '1.5' is not a positive whole number"),
        (["build", "quickstart", "--output", ""], "argument --output: the path is empty"),
        (["plan", "quickstart", "--output", " "], "argument --output: the path is empty"),
        (["status", ""], "argument DIR: the path is empty"),
        (["verify", __file__], f"argument DIR: {__file__!r} is a file, give the path of a folder"),
        (["build", "quickstart", "--output", __file__], "is a file, give the path of a folder"),
        (["build", "quickstart", "--output", os.fsdecode(b"caf\xe9")], "'caf\\udce9' is not UTF-8"),
        (["build", os.fsdecode(b"caf\xe9/recipe.toml"), "--output", "x"], "'caf\\udce9/recipe.toml' is not UTF-8"),
    ],
)
def test_the_parser_ends_with_two_and_names_the_bad_argument(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert "usage:" in printed and message in printed
    assert list(tmp_path.iterdir()) == []


def test_one_worker_and_one_row_are_enough(recipe: Path, tmp_path: Path) -> None:
    assert main(["plan", str(recipe), "--output", str(tmp_path), "--workers", "1", "--limit", "1"]) == 0


def test_a_recipe_in_a_folder_whose_name_is_not_utf8_is_refused_before_anything_runs(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(recipe.parent, folder)
    monkeypatch.chdir(folder)
    assert main(["build", "recipe.toml", "--output", str(tmp_path / "out")]) == 2
    assert "not UTF-8" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_below_a_folder_whose_name_is_not_utf8_is_refused_before_anything_runs(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    monkeypatch.chdir(tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(SystemExit) as stopped:
        main(["build", str(recipe), "--output", "out"])
    assert stopped.value.code == 2
    assert "caf\\udce9/out' is not UTF-8" in capsys.readouterr().err
    assert list(Path.cwd().iterdir()) == []


def test_a_folder_that_cannot_be_written_has_a_remedy_and_no_traceback(recipe: Path) -> None:
    done = command("build", recipe, "--output", "/proc/nothing")
    assert done.returncode == 1
    assert "/proc/nothing" in done.stderr and "run the same command again" in done.stderr and "Traceback" not in done.stderr


def test_a_damaged_plan_has_a_remedy_and_no_traceback(recipe: Path, tmp_path: Path) -> None:
    assert main(["plan", str(recipe), "--output", str(tmp_path), "--limit", "3"]) == 0
    for path in (tmp_path / "plan/Fates").rglob("*.parquet"):
        path.write_bytes(b"not Parquet")
    done = command("status", tmp_path, "--captions")
    assert done.returncode == 1
    assert "00000.parquet: damaged" in done.stderr and "laion-audio verify DIR" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "plan/plan.json").write_bytes(b"not JSON")
    done = command("status", tmp_path)
    assert done.returncode == 1
    assert "plan.json: damaged" in done.stderr and "laion-audio verify DIR" in done.stderr and "Traceback" not in done.stderr
    assert "half-written" not in done.stderr


def test_a_fault_of_the_program_is_one_sentence_and_its_traceback_is_in_a_file_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise KeyError("https://example.org/a.wav?sig=s3cr3t")

    monkeypatch.setattr(VERBS["status"], "run", broken)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert main(["status", str(tmp_path)]) == 1
    errors = capsys.readouterr().err
    assert "this is a fault of the program" in errors and "Traceback" not in errors
    (log,) = tmp_path.glob("*/fault-*.log")
    assert str(log) in errors
    assert "Traceback" in log.read_text() and "laion-audio status" in log.read_text()
    assert "s3cr3t" not in log.read_text() + errors


def test_a_fault_whose_file_cannot_be_written_shows_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise KeyError("x")

    monkeypatch.setattr(VERBS["status"], "run", broken)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(KeyError):
        main(["status", str(tmp_path)])
    assert "the traceback cannot be written" in capsys.readouterr().err


def test_ctrl_c_ends_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(VERBS["status"], "run", interrupted)
    assert main(["status", str(tmp_path)]) == 130
    assert "run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize("is_under_nohup", [False, True])
def test_signals_are_handled_as_soon_as_the_command_starts_and_nohup_is_respected(
    is_under_nohup: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_signals = list[tuple[object, object]]()
    monkeypatch.setattr("signal.getsignal", lambda number: signal.SIG_IGN if is_under_nohup else signal.SIG_DFL)
    monkeypatch.setattr("signal.signal", lambda *arguments: set_signals.append(arguments))
    monkeypatch.setattr("sys.argv", ["laion-audio", "status", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        run()
    numbers = [signal.SIGINT, signal.SIGTERM, *([] if is_under_nohup else [signal.SIGHUP])]
    assert ended.value.code == 2 and set_signals == [(number, stop_soon if number == signal.SIGINT else stop_at_once) for number in numbers]


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_the_process_at_once_and_does_not_wait_for_workers(name: str, code: int) -> None:
    program = f"import signal; from pipeline.command import stop_at_once; stop_at_once(signal.{name}, None)"
    stopped = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert stopped.returncode == code and stopped.stderr == f"\n{STOPPED}\n"


def test_a_signal_ends_the_process_also_when_its_output_is_closed() -> None:
    program = "import os, signal; from pipeline.command import stop_at_once; os.close(2); stop_at_once(signal.SIGTERM, None)"
    assert subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL).returncode == 143


def test_a_build_that_lost_its_lock_in_a_store_ends_as_wrong_and_says_so() -> None:
    program = (
        "import os, signal, time; from pipeline.output import lease; from pipeline.output.object_store import ObjectStore\n"
        "from pipeline.command import stop_at_once; signal.signal(signal.SIGINT, stop_at_once); store = ObjectStore('memory://x')\n"
        "with lease.leased(store, renew_seconds=0.01): store.remove(store.listing()); time.sleep(30)"
    )
    stopped = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert stopped.returncode == 1 and "memory://x: the lock of this build was not renewed" in stopped.stderr
    assert STOPPED not in stopped.stderr


def test_all_faults_of_a_recipe_are_printed_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "bad.toml"
    recipe.write_text('nmae = "x"\nshard_size = 0\n[[sources]]\nsource = "tabel"\n')
    assert main(["build", str(recipe), "--output", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in ("did you mean 'name'", "shard_size = 0", "did you mean 'table'", str(recipe)))
    assert not (tmp_path / "out").exists()


def test_sources_lists_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(SOURCES)
    assert main(["sources"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in SOURCES)


def test_help_names_every_verb_and_the_exit_codes() -> None:
    printed = command("--help")
    assert printed.returncode == 0 and "Exit codes" in printed.stdout
    assert len(VERBS) >= 12
    assert all(re.search(rf"^    {verb}\s", printed.stdout, re.MULTILINE) for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_has_examples_that_parse(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0
    _, _, examples = capsys.readouterr().out.partition("\nexample")
    lines = [shlex.split(line.partition(" > ")[0]) for line in examples.splitlines()[1:]]
    assert lines and all(line[:2] == ["laion-audio", verb] for line in lines)
    for line in lines:
        assert make_parser().parse_args(line[1:]).verb == verb


def test_unknown_options_go_to_beam(recipe: Path, tmp_path: Path) -> None:
    assert main(["build", str(recipe), "--output", str(tmp_path), "--direct_running_mode=in_memory", "--direct_num_workers", "1"]) == 0


def test_an_unknown_runner_is_bad_usage(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(recipe), "--output", str(tmp_path), "--runner", "NoSuchRunner"]) == 2
    assert "NoSuchRunner" in capsys.readouterr().err
