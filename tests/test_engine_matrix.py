"""A job service and an object store build the bytes of the reference; `make engines` compares all engines."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import psutil
import pytest

from tests.engine_builds import run_line
from tests.engine_faults import workers_below
from tests.engine_lines import LINES, Line
from tests.engine_set import EngineSet
from tests.engine_suites import SUITES, Suite, read_report, run_suite
from tests.engines import main, run_lines
from tests.loopback import Loopback

CHEAP = [line for line in LINES if line.is_cheap]


@pytest.mark.slow
def test_the_cheap_lines_build_the_bytes_of_the_reference(tmp_path):
    results, _ = run_lines(CHEAP, [], tmp_path)
    assert {result.line.name: result.differences for result in results if result.differences} == {}
    assert results[0].builds[0].books["total"]["samples"] > 300


def test_a_name_that_is_no_line_is_refused_with_the_names_that_are(capsys):
    with pytest.raises(SystemExit):
        main(["sparc"])
    assert "nothing is named 'sparc'; there are local," in capsys.readouterr().err


def test_a_server_that_does_not_start_is_a_difference_of_its_line(tmp_path):
    @contextlib.contextmanager
    def fails(folder):
        raise RuntimeError("no port is free")
        yield

    made = EngineSet(tmp_path, Loopback())
    result = run_line(Line("broken", "", "", str, fails), made, None)
    assert (result.verdict, result.differences) == ("no", ("RuntimeError: no port is free",))


def test_the_victim_is_the_worker_not_the_shell_that_started_it_nor_one_that_has_ended():
    with subprocess.Popen([sys.executable, "-c", SDK_WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stdin is not None
        worker = int(parent.stdout.readline())
        assert [process.pid for process in workers_below(psutil.Process(parent.pid))] == [worker]
        parent.stdin.close()


SDK_WORKER = """
import subprocess, sys
waits = [sys.executable, "-c", "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()", "sdk_worker"]
ended = subprocess.Popen([sys.executable, "-c", "", "sdk_worker"], stdin=subprocess.DEVNULL)
while open(f"/proc/{ended.pid}/stat").read().rpartition(")")[2].split()[0] != "Z":
    pass
subprocess.run(["/bin/sh", "-c", '"$@"; true', "sdk_worker", *waits])
"""
REPORT = """<testsuites><testsuite name="pytest">
<testcase name="test_an_executor_is_killed"/>
<testcase name="test_bytes[1-a]"><failure message="assert 1 == 2">...</failure></testcase>
<testcase name="test_a_worker"><error message="failed on setup">...</error></testcase>
<testcase name="test_a_master"><skipped message="no java"/></testcase>
</testsuite></testsuites>"""


def test_the_report_of_a_suite_gives_a_verdict_for_each_test(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT)
    verdicts = [(result.what, result.verdict) for result in read_report(SUITES[0], tmp_path / "report.xml")]
    assert verdicts == [("an executor is killed", "yes"), ("bytes[1-a]", "no"), ("a worker", "no"), ("a master", "skipped: no java")]


def test_a_suite_that_this_machine_cannot_run_is_skipped_with_the_reason():
    results = run_suite(Suite("none", "tests/none.py", lambda: "no java"))
    assert [result.verdict for result in results] == ["skipped: no java"]
