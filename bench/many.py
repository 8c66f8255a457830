"""Measure builds of many shards: how soon the first missing shard of a large set stands, and the memory of builds of few and many."""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import soundfile

from bench.counting import REQUESTS
from bench.measure import Cost, Row, in_a_process, peak_mb
from bench.snapshot import N_SHARDS, make_many
from pipeline.engines.run import Engine, n_cores
from pipeline.output.plan_index import FORMAT
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from pipeline.verbs.current_plan import current_plan, standing_snapshot
from transforms.shards.shard_task import ShardTask

N_ROUNDS = 3
COUNTS = (10, 100, 1_000)
"""Shards of the builds whose memory is measured, of `CLIPS` clips each."""
CLIPS, SECONDS, RATE = 4, 0.25, 16_000
RECIPE = 'name = "many"\nshard_size = {}\n\n[[sources]]\nsource = "table"\ndataset = "Many"\npath = "clips.csv"\n'


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return the seconds to the first shard of 5,000, and the memory of builds of 10, 100 and 1,000 shards; fewer when quick."""
    n_shards = N_SHARDS // 10 if quick else N_SHARDS
    costs = [first_shard(corpus.parent / f"many-{n_shards}-format-{FORMAT}", n_shards) for _ in range(N_ROUNDS)]
    table = []
    for what, values, target in (("time", [cost.wall for cost in costs], "<= 5"), ("CPU", [cost.cpu for cost in costs], "")):
        name = f"first missing shard of {n_shards}: {what} from the start of the command until it stands"
        table.append(Row("many", name, statistics.median(values), "s", (min(values), max(values)), target))
    table.append(Row("many", "requests of a build to a store, a shard", requests_a_shard(), "requests"))
    counts = COUNTS[:2] if quick else COUNTS
    peaks = {count: memory_of(count) for count in counts}
    table += [Row("many", f"highest resident memory of a build of {count} shards, all processes", peaks[count], "MB") for count in counts]
    title = f"memory of a build of {counts[-1]} shards / of {counts[0]}"
    return [*table, Row("many", title, peaks[counts[-1]] / peaks[counts[0]], "x", None, "<= 1.2")]


def first_shard(home: Path, n_shards: int) -> Cost:
    """Return what passes from the start of `build` until the only missing shard of a set stands."""
    if not (home / "out" / "build.json").exists():
        make_many(home, n_shards)
    marker = home / "out" / "Many" / "train" / f"{n_shards // 2}_stats.json"
    marker.unlink()
    began = time.monotonic()
    command = [sys.executable, "-m", "pipeline", "build", str(home / "recipe.toml"), "--output", str(home / "out")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not marker.exists():
            if process.poll() is not None:
                raise RuntimeError("the build ended without the missing shard")
            time.sleep(0.01)
        cost = Cost(_cpu_of(process.pid), time.monotonic() - began)
    return cost


def _cpu_of(pid: int) -> float:
    """Return the seconds of CPU that a running process has used (Linux)."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def requests_a_shard(few: int = 4, many: int = 12) -> float:
    """Return the requests to an object store that a build makes for each shard, planning included."""
    totals = []
    for n_shards in (few, many):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            recipe = load_recipe(str(make_recipe(Path(folder), n_shards)))
            REQUESTS.clear()
            assert build(recipe, Folder(f"counted://{folder}/out"), None, Engine("local", n_cores()), _unwatched).books.balance
            totals.append(REQUESTS.total())
    return (totals[1] - totals[0]) / (many - few)


def memory_of(n_shards: int) -> float:
    """Return the highest resident memory in MB of a build of shards with four short clips each; planning is not counted."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        recipe = make_recipe(Path(folder), n_shards)
        in_a_process("bench.many", "plan", recipe, Path(folder) / "out")
        peak: float = in_a_process("bench.many", "build", recipe, Path(folder) / "out")["peak_mb"]
        return peak


def make_recipe(folder: Path, n_shards: int) -> Path:
    """Write clips of noise, each different, and a recipe of them; return its path."""
    chance = np.random.default_rng(0)
    (folder / "sounds").mkdir(parents=True)
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "url", "caption"])
        for number in range(n_shards * CLIPS):
            soundfile.write(folder / "sounds" / f"{number}.wav", chance.normal(0, 0.1, int(SECONDS * RATE)), RATE)
            table.writerow([f"c{number}", f"sounds/{number}.wav", f"Sound {number}."])
    (folder / "many.toml").write_text(RECIPE.format(CLIPS))
    return folder / "many.toml"


def _unwatched(before: Snapshot, tasks: list[ShardTask]) -> nullcontext[None]:
    return nullcontext()


def main(arguments: list[str]) -> None:
    """Plan or build in this process, and print its highest memory as JSON."""
    step, path, output = arguments
    recipe, folder, engine = load_recipe(path), Folder(output), Engine("local", n_cores())
    if step == "plan":
        with folder.locked():
            current_plan(recipe, standing_snapshot(folder), None, engine)
    else:
        assert build(recipe, folder, None, engine, _unwatched).books.balance
    print(json.dumps({"peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(sys.argv[1:])
