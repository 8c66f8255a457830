"""A job ends with the process that submitted it, holds the lock of its folder until then, and leaves only the log of a failure."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.engines.spark_job import FAILURE, LOG, SparkJob
from pipeline.output.disk import FolderInUseError, held_locks, locked
from tests.spark_builds import wait_until

UNTIL_PARENT_ENDS = ["sh", "-c", "cat > /dev/null; exit 143"]


def job(folder: Path, command: list[str]) -> SparkJob:
    folder.mkdir()
    return SparkJob(command, folder, {"PATH": "/usr/bin:/bin"})


def test_a_job_that_is_done_leaves_nothing(tmp_path):
    done = job(tmp_path / "job", ["sh", "-c", "echo a line >&2"])
    assert done.wait() == 0 == done.poll()
    assert (tmp_path / "job" / LOG).read_text() == "a line\n"
    done.remove_files(keep_log=False)
    assert not (tmp_path / "job").exists()


def test_a_failed_job_leaves_its_log_alone(tmp_path):
    failed = job(tmp_path / "job", ["sh", "-c", f"echo text > {tmp_path}/job/{FAILURE}; seq 1000 >&2; exit 3"])
    assert failed.wait() == 3
    text, log = failed.failure()
    assert text == "text\n" and log[-1] == "1000\n" and len(log) == 400
    failed.remove_files(keep_log=True)
    assert [path.name for path in (tmp_path / "job").iterdir()] == [LOG]


def test_a_cancelled_job_ends_by_itself_and_its_files_are_removed(tmp_path):
    cancelled = job(tmp_path / "job", UNTIL_PARENT_ENDS)
    assert cancelled.poll() is None
    cancelled.cancel()
    assert cancelled.poll() == 143 and cancelled.is_cancelled
    assert not (tmp_path / "job").exists()


def test_a_job_that_does_not_end_when_it_is_cancelled_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.engines.spark_job.CANCEL_SECONDS", 0.1)
    stubborn = job(tmp_path / "job", ["sh", "-c", "sleep 600"])
    stubborn.cancel()
    assert stubborn.wait() == -9


def test_a_job_whose_submitter_is_killed_ends_and_holds_the_lock_of_the_folder_until_then(tmp_path):
    program = """
import sys, time
from pathlib import Path
from pipeline.engines.spark_job import SparkJob
from pipeline.output.disk import locked
with locked(Path("lock"), "the folder"):
    Path("job").mkdir()
    SparkJob(["sh", "-c", "cat > /dev/null; while ! [ -e end ]; do sleep 0.05; done; touch ended"], Path("job"), {"PATH": "/usr/bin:/bin"})
    print("ready", flush=True)
    time.sleep(60)
"""
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    submitter = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, env=environment)
    assert submitter.stdout is not None and submitter.stdout.readline() == b"ready\n"
    submitter.kill()
    submitter.wait()
    submitter.stdout.close()
    with pytest.raises(FolderInUseError, match=str(submitter.pid)), locked(tmp_path / "lock", "the folder"):
        pass
    (tmp_path / "end").touch()
    wait_until(lambda: (tmp_path / "ended").exists(), 10)
    time.sleep(0.1)  # its last command is over, the shell ends now
    with locked(tmp_path / "lock", "the folder"):
        assert len(held_locks) == 1
    assert not held_locks
