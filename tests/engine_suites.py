"""Run the tests of engines that pytest has, one suite after the other, and read the verdict of each test."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.engine_lines import needs
from tests.spark_cluster import missing as spark_missing

ROOT = Path(__file__).parent.parent
FAILED = {"failure", "error"}
"""What pytest writes below a test that failed."""


@dataclass(frozen=True)
class Suite:
    """A module of tests; `missing` returns what this machine lacks for it, empty if nothing."""

    name: str
    module: str
    missing: Callable[[], str]


@dataclass(frozen=True)
class SuiteResult:
    """The verdict of a test, or of a suite that cannot run."""

    suite: Suite
    what: str
    verdict: str


SUITES = (
    Suite("dataflow", "tests/engine_dataflow.py", needs("apitools", "gcsfs", "gcp_storage_emulator")),
    Suite("spark-faults", "tests/test_spark_faults.py", spark_missing),
)
BY_SUITE = {suite.name: suite for suite in SUITES}


def run_suite(suite: Suite) -> list[SuiteResult]:
    """Run a suite; pytest prints what fails. Return a result for each test."""
    if skipped := suite.missing():
        return [SuiteResult(suite, "all tests", f"skipped: {skipped}")]
    with tempfile.TemporaryDirectory(prefix="engines-suite-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite.module, f"--junitxml={report}"]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
        results = list(read_report(suite, report)) if report.is_file() else []
    if done.returncode and all(result.verdict != "no" for result in results):
        results.append(SuiteResult(suite, f"pytest ended with exit code {done.returncode}", "no"))
    return results


def read_report(suite: Suite, report: Path) -> Iterator[SuiteResult]:
    """Yield what pytest reports of each test; its name is a sentence."""
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag: child.get("message", "") for child in case}
        verdict = "no" if FAILED & kinds.keys() else f"skipped: {kinds['skipped']}" if "skipped" in kinds else "yes"
        yield SuiteResult(suite, case.get("name", "").removeprefix("test_").replace("_", " "), verdict)
