"""A Python worker ends with its parent and takes its own processes along; other versions than the submitter's are refused."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.engines.boot import NEEDS, NOT_STARTED, OTHER_VERSIONS, versions
from tests.spark_builds import is_alive, wait_until

ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parent.parent), "PATH": os.environ["PATH"]}
WORKER = """
import subprocess, sys, time
from pipeline.engines import boot
boot.end_with_parent()
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
time.sleep(600)
"""
PARENT = f"import os, subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {WORKER!r}]); print(p.pid, flush=True); p.wait()"


@pytest.mark.parametrize("kill_parent", [True, False])
def test_a_worker_and_its_processes_end_with_its_parent_or_at_sigterm(kill_parent):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert parent.stdout is not None
    worker, child = int(parent.stdout.readline()), int(parent.stdout.readline())
    assert is_alive(worker) and is_alive(child)
    os.kill(parent.pid if kill_parent else worker, signal.SIGKILL if kill_parent else signal.SIGTERM)
    wait_until(lambda: not is_alive(worker) and not is_alive(child), 10)
    parent.wait()
    parent.stdout.close()


@pytest.mark.parametrize(
    ("needs", "code"), [("Python 2.7, laion-audio 0.0.1", OTHER_VERSIONS), pytest.param(versions(), NOT_STARTED, marks=pytest.mark.slow)]
)
def test_a_worker_with_other_versions_is_refused_and_one_without_a_runner_fails_with_another_code(needs, code, tmp_path):
    command = [sys.executable, "-m", "pipeline.engines.boot", "--id=1", "--provision_endpoint=nowhere"]
    done = subprocess.run(
        command, env=ENVIRONMENT | {NEEDS: needs, "PYTHONWARNINGS": "ignore"}, capture_output=True, cwd=tmp_path, timeout=120
    )
    assert done.returncode == code, done.stderr
