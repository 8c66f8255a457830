"""Measure planning: CPU through the engine against the pure functions alone, memory of all processes, and rows added to a plan.

A plan of each of two sizes is made, which separates what every start costs from what every row costs; 2.5 million rows are then computed
from the two, unless so many are measured (`--rows 2500000`).
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.clip_tables import add_rows, write_tables
from bench.measure import Cost, Row, paired, ratio
from bench.process_tree import cost_of_command

N_ROWS, N_QUICK, N_LARGE = 250_000, 20_000, 2_500_000
PART = 5  # times that the smaller plan is smaller
N_ADDED = 10_000
MAX_RATIO, MAX_CPU, MAX_MB, MAX_ADD = 1.5, 240, 1500, 60


def rows(quick: bool, corpus: Path, n_rows: int | None = None) -> list[Row]:
    """Return the figures of planning `n_rows` rows: by default 250,000, or 20,000 when quick."""
    n_rows = n_rows or (N_QUICK if quick else N_ROWS)
    n_rounds = 3 if n_rows <= N_ROWS else 1
    home = corpus.parent / "plan"
    shutil.rmtree(home, ignore_errors=True)
    small, compared = (n_rows // PART, n_rows) if n_rows <= N_ROWS else (N_ROWS, N_ROWS)  # the pure functions hold all rows in one list
    recipes = {n: write_tables(home / str(n), n) for n in (small, n_rows)}
    ways: dict[str, Callable[[], Cost]] = {f"pure {compared}": lambda: _pure(recipes[compared], home / "pure")}
    for n, recipe in recipes.items():
        ways[f"engine {n}"] = lambda recipe=recipe: _plan(recipe, home / "plan", afresh=True)  # type: ignore[misc]
    costs = paired(ways, n_rounds)
    _plan(recipes[n_rows], home / "plan", afresh=True)
    n_read, disk = _size(home / "plan")
    add_rows(recipes[n_rows].parent, N_ADDED)
    added = _plan(recipes[n_rows], home / "plan", afresh=False)
    assert _size(home / "plan")[0] == n_read + N_ADDED
    shutil.rmtree(home)
    return table(costs, added, (small, n_rows), n_read, disk)


def table(costs: Mapping[str, list[Cost]], added: Cost, sizes: tuple[int, int], n_read: int, disk: int) -> list[Row]:
    """Return the lines of the table.

    Args:
        costs: of the ways "engine N" for each of the sizes, and "pure N" for one of them, in every round.
        added: cost of the plan with more rows, over the plan of the larger size.
        sizes: rows that were asked for; `n_read` were read of the larger.
        disk: bytes of the plan.
    """
    small, large = (costs[f"engine {n}"] for n in sizes)
    compared = next(n for n in sizes if f"pure {n}" in costs)
    pure = [cost.cpu for cost in costs[f"pure {compared}"]]
    step = n_read * (1 - sizes[0] / sizes[1])
    row_cpu = [(b.cpu - a.cpu) / step for a, b in zip(small, large, strict=True)]
    row_mb = [(b.peak_mb - a.peak_mb) / step for a, b in zip(small, large, strict=True)]
    more = max(0, N_LARGE - n_read)
    cpu = [cost.cpu + more * row for cost, row in zip(large, row_cpu, strict=True)]
    memory = [cost.peak_mb + more * row for cost, row in zip(large, row_mb, strict=True)]
    how = f"from {n_read:,} rows" if n_read < 0.9 * N_LARGE else f"measured with {n_read:,} rows"
    by_cpu = ratio([cost.cpu for cost in costs[f"engine {compared}"]], pure)
    is_large = n_read > 0.9 * N_LARGE
    return [
        Row("plan", "CPU of a plan through the engine / by the pure functions", by_cpu[0], "x", by_cpu[1], f"<= {MAX_RATIO}"),
        _row(f"CPU of a plan of 2.5 million rows, {how}", cpu, "s", f"<= {MAX_CPU}"),
        _row(f"memory of a plan of 2.5 million rows, all processes, {how}", memory, "MB", f"<= {MAX_MB}"),
        Row("plan", f"{N_ADDED:,} rows more, plan of {n_read:,} rows: seconds", added.wall, "s", None, f"<= {MAX_ADD}" if is_large else ""),
        Row("plan", f"{N_ADDED:,} rows more, plan of {n_read:,} rows: CPU", added.cpu, "s"),
        _row("rows a second of a plan", [n_read / cost.wall for cost in large], "rows/s"),
        _row(CPU_A_ROW, [1e6 * cpu for cpu in row_cpu], "us"),
        _row("CPU a row, by the pure functions, start included", [1e6 * cpu * sizes[1] / compared / n_read for cpu in pure], "us"),
        _row(CPU_OF_START, [a.cpu - sizes[0] / sizes[1] * n_read * row for a, row in zip(small, row_cpu, strict=True)], "s"),
        _row(KB_A_ROW, [1000 * mb for mb in row_mb], "kB"),
        _row(PEAK_OF_START, [a.peak_mb - sizes[0] / sizes[1] * n_read * row for a, row in zip(small, row_mb, strict=True)], "MB"),
        Row("plan", DISK_A_ROW, disk / n_read, "B"),
    ]


CPU_A_ROW, CPU_OF_START = "CPU a row, through the engine", "CPU of the start of a plan"
KB_A_ROW, PEAK_OF_START = "memory a row, all processes", "memory of the start of a plan, all processes"
DISK_A_ROW = "plan on disk, a row"


def _row(name: str, values: Sequence[float], unit: str, target: str = "") -> Row:
    return Row("plan", name, statistics.median(values), unit, (min(values), max(values)) if len(values) > 1 else None, target)


def _plan(recipe: Path, output: Path, afresh: bool) -> Cost:
    if afresh:
        shutil.rmtree(output, ignore_errors=True)
    return cost_of_command([sys.executable, "-m", "pipeline", "plan", str(recipe), "--output", str(output)])


def _pure(recipe: Path, output: Path) -> Cost:
    shutil.rmtree(output, ignore_errors=True)
    return cost_of_command([sys.executable, "-m", "bench.plan_sides", str(recipe), str(output)])


def _size(output: Path) -> tuple[int, int]:
    """Return the number of rows that a plan read, and the bytes of its files."""
    read = json.loads((output / "plan" / "plan.json").read_text())["rows_read"]
    return sum(read.values()), sum(path.stat().st_size for path in (output / "plan").rglob("*") if path.is_file())
