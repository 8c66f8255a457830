"""Compute what plans of millions of rows take, up to 100 million, from what the part `plan` of the benchmark measured."""

from __future__ import annotations

from collections.abc import Iterable

from bench.measure import Row
from bench.plan import CPU_A_ROW, CPU_OF_START, DISK_A_ROW, KB_A_ROW, PEAK_OF_START
from pipeline.recipe.model import BuildRecipe

SIZES = (2_500_000, 10_000_000, 100_000_000)
MACHINE_GB = 64  # of a large virtual machine


def large_plans(rows: Iterable[Row]) -> str:
    """Return a table with a line for each size; a sentence where the run has no part `plan`."""
    measured = {row.name: row.value for row in rows if row.bench == "plan"}
    if CPU_A_ROW not in measured:
        return "Not in this run: `make bench plan`, then `python -m bench.tables RESULTS.json`."
    lines = ["| rows | CPU, one core | memory | plan on disk | plan files |", "|---|---|---|---|---|"]
    for n_rows in SIZES:
        cpu = measured[CPU_OF_START] + n_rows * measured[CPU_A_ROW] / 1e6
        gigabytes = (measured[PEAK_OF_START] + n_rows * measured[KB_A_ROW] / 1000) / 1000
        shards = n_rows / BuildRecipe.model_fields["shard_size"].default
        disk = n_rows * measured[DISK_A_ROW] / 1e9
        lines.append(f"| {n_rows:,} | {cpu / 60:,.1f} minutes | {gigabytes:,.1f} GB | {disk:,.2f} GB | {shards:,.0f} |")
    limit = (1000 * MACHINE_GB - measured[PEAK_OF_START]) / measured[KB_A_ROW] * 1000
    lines += ["", f"One machine of {MACHINE_GB} GB holds a plan of {limit / 1e6:,.0f} million rows while it is made."]
    return "\n".join(lines)
