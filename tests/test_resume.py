"""Builds that are killed, run out of disk or run twice: no file is incomplete, no row is lost or repeated."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.verbs.verify import verify
from tests.fates import appeared, build_into, command, make_fates, published

N_GOOD = 48


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fates(tmp_path_factory.mktemp("many"), n_good=N_GOOD, shard_size=8)


@pytest.fixture(scope="module")
def undisturbed(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    output = tmp_path_factory.mktemp("undisturbed")
    build_into(output, recipe)
    return published(output)


def start(recipe: Path, output: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "pipeline", "build", str(recipe), "--output", str(output)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # looking costs time that the build could use


def kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(
    "moment",
    [
        "plan.new/**/*.parquet",
        pytest.param("plan/plan.json", marks=pytest.mark.slow),
        pytest.param(".work/*/shard.tar", marks=pytest.mark.slow),
        "*/train/*_stats.json",
        pytest.param("*/train/4_stats.json", marks=pytest.mark.slow),
    ],
    ids=["while planning", "after planning", "first shard started", "first shard done", "some shards done"],
)
def test_killed_and_run_again_gives_the_same_bytes(moment: str, recipe: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    process = start(recipe, tmp_path)
    wait_until(lambda: appeared(tmp_path, moment), process)
    kill(process)
    assert build_into(tmp_path, recipe).missing == ()
    assert published(tmp_path) == undisturbed
    assert not any((tmp_path / ".work").glob("*"))
    assert not (tmp_path / "plan.new").exists()
    assert list(verify(Folder(str(tmp_path)), deep=False)) == []


def test_a_build_that_is_killed_several_times_can_be_finished(recipe: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    for moment in ("plan.new/**/*.parquet", "plan/plan.json", "*/train/*_stats.json"):
        process = start(recipe, tmp_path)
        wait_until(lambda moment=moment: appeared(tmp_path, moment), process)  # type: ignore[misc]
        kill(process)
    build_into(tmp_path, recipe)
    assert published(tmp_path) == undisturbed


def test_a_finished_tar_without_its_marker_does_not_count(recipe: Path, tmp_path: Path) -> None:
    build_into(tmp_path, recipe)
    (tmp_path / "Fates" / "train" / "3_stats.json").unlink()
    status = command("status", tmp_path)
    assert status.returncode == 1 and "do not balance" in status.stdout


def test_a_second_build_at_the_same_time_ends_with_an_error(recipe: Path, tmp_path: Path) -> None:
    build_into(tmp_path, recipe)
    before = published(tmp_path)
    holder = f"from pipeline.output.storage import Folder\nwith Folder({str(tmp_path)!r}).locked(): print('mine', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "mine\n"
        second = command("build", recipe, "--output", tmp_path)
        first.communicate("\n")
    assert second.returncode == 1
    assert "another build is at work here" in second.stderr and str(first.pid) in second.stderr
    assert published(tmp_path) == before


def test_the_lock_of_a_killed_process_does_not_stop_the_next_build(recipe: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    process = start(recipe, tmp_path)
    wait_until(lambda: (tmp_path / ".lock.owner").exists(), process)
    kill(process)
    assert (tmp_path / ".lock").exists()
    build_into(tmp_path, recipe)
    assert published(tmp_path) == undisturbed


def test_a_full_disk_is_reported_and_leaves_no_incomplete_shard(recipe: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    def full() -> None:  # the kernel refuses to let any file grow further, as it does when the disk is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    failed = command("build", recipe, "--output", tmp_path, preexec_fn=full)
    assert failed.returncode == 1
    assert "File too large" in failed.stderr and "run the same command again" in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr and len(failed.stderr.splitlines()) < 10
    assert all(path.with_name(f"{path.stem}_stats.json").exists() for path in tmp_path.glob("*/*/*.tar"))
    build_into(tmp_path, recipe)
    assert published(tmp_path) == undisturbed


def test_an_output_that_cannot_be_written_is_reported(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused = command("build", recipe, "--output", tmp_path / "file" / "out")
    assert refused.returncode == 1
    assert "Not a directory" in refused.stderr and "Traceback" not in refused.stderr


def test_ctrl_c_prints_how_to_continue(recipe: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    process = start(recipe, tmp_path)
    wait_until(lambda: appeared(tmp_path, "*/train/*_stats.json"), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in {130, 0}, errors
    assert process.returncode == 0 or "run the same command again" in errors
    build_into(tmp_path, recipe)
    assert published(tmp_path) == undisturbed
