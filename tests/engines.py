"""`python -m tests.engines [NAME...] [--write]`: build one set on every engine of this machine, and compare every byte.

The reference is a build by threads of this machine. Each line builds the set, and again after an edit of its tables and recordings.
What a line needs and this machine lacks is named, and the line is skipped. Exit code 1 if anything differs. With `--write` the table
goes into docs/engines.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.documents import ROOT, table, with_blocks
from tests.engine_builds import Built, Result, run_line
from tests.engine_lines import BY_NAME, LINES, REFERENCE, Line
from tests.engine_set import engine_set

PAGE = ROOT / "docs" / "engines.md"
HEAD = ("engine", "what runs", "shards", "samples", "rejected", "made by the second build", "equal")


def run_lines(lines: Sequence[Line], folder: Path) -> list[Result]:
    """Build on the reference and then on every line; print each result when it is there."""
    results: list[Result] = []
    with engine_set(folder) as made:
        for line in (BY_NAME[REFERENCE], *(line for line in lines if line.name != REFERENCE)):
            result = run_line(line, made, results[0] if results else None)
            results.append(result)
            seconds = ", ".join(f"{built.seconds:.0f} s" for built in result.builds)
            print(f"{line.name:14} {' '.join(cells(result)[2:])}  ({seconds})", flush=True)
            for difference in result.differences:
                print(f"    {difference}", flush=True)
    return results


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


def page_table(results: Sequence[Result]) -> str:
    """Return the table of the page."""
    return table(HEAD, map(cells, results))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.engines", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"lines to compare with the reference: {', '.join(BY_NAME)} (default: all)"
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/engines.md")
    options = parser.parse_args(argv)
    if unknown := [name for name in options.names if name not in BY_NAME]:
        parser.error(f"no line is named {unknown[0]!r}; there are {', '.join(BY_NAME)}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="engines-set-") as name:
        results = run_lines([BY_NAME[name] for name in options.names] or LINES, Path(name))
    if options.write:
        PAGE.write_text(with_blocks(PAGE.read_text(encoding="utf-8"), {"matrix": page_table(results)}), encoding="utf-8")
    n_different = sum(bool(result.differences) for result in results)
    n_skipped = sum(bool(result.skipped) for result in results)
    n_equal = len(results) - n_different - n_skipped
    print(f"{n_equal} equal, {n_different} different, {n_skipped} skipped, in {time.monotonic() - began:.0f} s")
    return 1 if n_different else 0


if __name__ == "__main__":
    sys.exit(main())
