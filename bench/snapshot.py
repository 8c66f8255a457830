"""Measure what a build with nothing to do and `status` cost in a folder of 5,000 shards, in seconds and requests; and `--help`."""

from __future__ import annotations

import csv
import json
import shutil
import statistics
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from bench.counting import REQUESTS
from bench.measure import Cost, Row, cost_of
from pipeline.engines.run import Engine
from pipeline.machine.cores import n_cores
from pipeline.output.plan_index import FORMAT
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from transforms.shards.shard_task import ShardTask

N_SHARDS, N_ROUNDS = 5_000, 5
RECIPE = """
name = "many-shards"
shard_size = 1

[[sources]]
source = "table"
dataset = "Many"
path = "clips.csv"
"""


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return costs and requests in a folder of 5,000 shards, or of 500 when quick."""
    n_shards = N_SHARDS // 10 if quick else N_SHARDS
    home = corpus.parent / f"many-{n_shards}-format-{FORMAT}"  # a folder of another version is refused
    if not (home / "out" / "build.json").exists():
        make_many(home, n_shards)
    output, recipe = home / "out", home / "recipe.toml"
    commands = {
        "build with nothing to do": ["build", str(recipe), "--output", str(output), "--json"],
        "status": ["status", str(output), "--json"],
        "--help": ["--help"],
    }
    targets = {"build with nothing to do": (5.0, "wall"), "status": (1.0, "cpu"), "--help": (0.3, "cpu")}
    table = []
    for name, arguments in commands.items():
        costs = [cost_of(lambda arguments=arguments: _run(arguments)) for _ in range(N_ROUNDS)]  # type: ignore[misc]
        limit, kind = targets[name]
        table.append(_row(f"{name}, {n_shards} shards: seconds", [cost.wall for cost in costs], f"<= {limit}" if kind == "wall" else ""))
        table.append(_row(f"{name}, {n_shards} shards: CPU", [cost.cpu for cost in costs], f"<= {limit}" if kind == "cpu" else ""))
    requests = count_requests(recipe, output)
    table.append(Row("snapshot", f"build with nothing to do, {n_shards} shards: listings", requests["listing"], "", target="<= 3"))
    markers = requests["read marker"] / n_shards
    table.append(Row("snapshot", "build with nothing to do: reads of a marker", markers, "a shard", target="<= 1"))
    others = sum(count for name, count in requests.items() if name not in {"listing", "read marker"})
    table.append(Row("snapshot", f"build with nothing to do, {n_shards} shards: other requests", others, ""))
    return table


def make_many(home: Path, n_shards: int) -> None:
    """Build shards of one row each, whose recordings do not exist: as many files as a large set has, made in little time."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with (home / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "url", "caption"], *([f"c{n}", f"{n}.wav", f"Sound {n}."] for n in range(n_shards))])
    (home / "recipe.toml").write_text(RECIPE)
    build(load_recipe(str(home / "recipe.toml")), Folder(str(home / "out")), None, Engine("local", n_cores()), _unwatched)


def count_requests(recipe: Path, output: Path) -> dict[str, int]:
    """Return the requests by kind of a build with nothing to do."""
    REQUESTS.clear()
    outcome = build(load_recipe(str(recipe)), Folder(f"counted://{output}"), None, Engine(), _unwatched)
    assert outcome.n_built == 0 and outcome.books.balance
    return dict(REQUESTS)


def _row(name: str, seconds: list[float], target: str) -> Row:
    return Row("snapshot", name, statistics.median(seconds), "s", (min(seconds), max(seconds)), target)


def _run(arguments: list[str]) -> Cost | None:
    done = subprocess.run([sys.executable, "-m", "pipeline", *arguments], capture_output=True, check=True)
    if "--json" in arguments:
        assert json.loads(done.stdout)["balance"]
    return None


def _unwatched(before: Snapshot, tasks: list[ShardTask]) -> nullcontext[None]:
    return nullcontext()
