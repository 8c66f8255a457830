"""`python -m tests.engines [NAME...] [--write]`: build one set on every engine of this machine, and compare every byte.

The reference is a build by threads of this machine. Each line builds the set, and again after an edit of its tables and recordings.
What a line needs and this machine lacks is named, and the line is skipped. Exit code 1 if anything differs. With `--write` the table
goes into docs/engines.md. Then parts of engines are killed in the middle of a build, and the same command must mend it; last, the tests
of engines that pytest has run one after the other.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.documents import ROOT, table, with_blocks
from tests.engine_builds import Built, Result, run_line
from tests.engine_faults import BY_FAULT, Fault, FaultResult, run_fault
from tests.engine_lines import BY_NAME, LINES, REFERENCE, Line
from tests.engine_set import engine_set
from tests.engine_suites import BY_SUITE, Suite, SuiteResult, run_suite

T = TypeVar("T")
PAGE = ROOT / "docs" / "engines.md"
HEAD = ("engine", "what runs", "shards", "samples", "rejected", "made by the second build", "equal")


def run_lines(lines: Sequence[Line], faults: Sequence[Fault], folder: Path) -> tuple[list[Result], list[FaultResult]]:
    """Build on the reference, then on every line, then with every fault; print each result when it is there."""
    with engine_set(folder) as made:
        results = [_shown(run_line(BY_NAME[REFERENCE], made, None))]
        results += [_shown(run_line(line, made, results[0])) for line in lines if line.name != REFERENCE]
        met = []
        for fault in faults:
            result = run_fault(fault, made, results[0].builds[0])
            met.append(result)
            print(f"{fault.line:14} {fault.what}: exit code {result.exit_code}, equal afterwards: {result.verdict}", flush=True)
            _show_differences(result.differences)
    return results, met


def run_suites(suites: Sequence[Suite]) -> list[SuiteResult]:
    """Run suites of tests; print each result when its suite is over."""
    results = []
    for suite in suites:
        for result in run_suite(suite):
            results.append(result)
            print(f"{suite.name:14} {result.what}: {result.verdict}", flush=True)
    return results


def _shown(result: Result) -> Result:
    seconds = ", ".join(f"{built.seconds:.0f} s" for built in result.builds)
    print(f"{result.line.name:14} {' '.join(cells(result)[2:])}  ({seconds})", flush=True)
    _show_differences(result.differences)
    return result


def _show_differences(differences: Sequence[str]) -> None:
    for difference in differences:
        print(f"    {difference}", flush=True)


def cells(result: Result) -> tuple[str, ...]:
    """Return the row of a result in the table; it holds no times, so that it changes only when results do."""
    line, counts = result.line, ("", "", "", "")
    if result.builds:
        last: Built = result.builds[-1]
        total = last.books.get("total", {})
        counts = tuple(str(number) for number in (shards_of(last), total.get("samples"), total.get("rejections"), last.books.get("built")))
    return f"`{line.name}`", line.what, *counts, result.verdict


def shards_of(built: Built) -> object:
    """Return the number of shards of a build."""
    return built.books.get("shards", {}).get("done")


def blocks(results: Sequence[Result], met: Sequence[FaultResult], checked: Sequence[SuiteResult]) -> dict[str, str]:
    """Return the generated parts of the page."""
    faults = [(result.fault.what, f"`{result.fault.line}`", result.verdict) for result in met]
    tests = [(result.what, f"`{result.suite.name}`", result.verdict) for result in checked]
    commands = [(f"`{line.name}`", line.what, f"`{line.command}`" if line.command else "") for line in LINES]
    return {
        "matrix": table(HEAD, map(cells, results)),
        "faults": table(("fault in the middle of a build", "engine", "same bytes after the same command again"), faults),
        "tests": table(("test", "suite", "passed"), tests),
        "commands": table(("engine", "what runs", "options besides RECIPE and --output"), commands),
    }


def _named(known: Mapping[str, T], names: Sequence[str]) -> list[T]:
    return [known[name] for name in names if name in known]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    known = [*BY_NAME, *BY_FAULT, *BY_SUITE]
    parser = argparse.ArgumentParser(prog="python -m tests.engines", description="Build one set on every engine, and compare every byte.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"lines, faults and suites of tests (default: all): {', '.join(known)}")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/engines.md; not with names")
    options = parser.parse_args(argv)
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"nothing is named {unknown[0]!r}; there are {', '.join(known)}")
    if options.write and options.names:
        parser.error("--write writes the tables of all lines: give no names")
    names, began = options.names or known, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="engines-set-") as folder:
        lines, faults = _named(BY_NAME, names), _named(BY_FAULT, names)
        results, met = run_lines(lines, faults, Path(folder)) if lines or faults else ([], [])
    checked = run_suites(_named(BY_SUITE, names))
    if options.write:
        PAGE.write_text(with_blocks(PAGE.read_text(encoding="utf-8"), blocks(results, met, checked)), encoding="utf-8")
    verdicts = [result.verdict for result in (*results, *met, *checked)]
    n_equal, n_different = verdicts.count("yes"), verdicts.count("no")
    n_skipped = len(verdicts) - n_equal - n_different
    print(f"{n_equal} equal, {n_different} different, {n_skipped} skipped, in {time.monotonic() - began:.0f} s")
    return 1 if n_different else 0


if __name__ == "__main__":
    sys.exit(main())
