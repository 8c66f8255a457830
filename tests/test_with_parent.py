"""A program that was started with its parent ends with it: at its end, at SIGTERM, and when the parent is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil

from pipeline.engines import with_parent

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, {with_parent.__file__!r}, *{SLEEP!r}]); time.sleep(60)"


def ends(process: psutil.Process) -> bool:
    return not psutil.wait_procs([process], timeout=5)[1]


def test_the_program_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None and parent.stdout.readline() == b"up\n"
    below = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(below) == 2 and all(ends(process) for process in below)


def test_the_program_ends_at_sigterm_and_not_at_the_ctrl_c_that_a_terminal_sends_to_all():
    watch = subprocess.Popen([sys.executable, with_parent.__file__, *SLEEP], stdout=subprocess.PIPE)
    assert watch.stdout is not None and watch.stdout.readline() == b"up\n"
    (program,) = psutil.Process(watch.pid).children()
    watch.send_signal(signal.SIGINT)
    time.sleep(0.15)
    assert watch.poll() is None
    watch.terminate()
    assert watch.wait(5) == -signal.SIGTERM & 0xFF and ends(program)
    watch.stdout.close()


def test_the_exit_code_is_that_of_the_program():
    assert with_parent.run_with_parent([sys.executable, "-c", "raise SystemExit(7)"]) == 7
