"""`python -m bench.spark_log`: build unequal shards on two workers of a Spark cluster; read from Spark's event log how busy they were.

Each worker has one core, and recordings come from a slow host: tasks wait more than they compute, so that workers which share the cores of
one machine do not slow each other.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.spark_builds import SlowHost, SparkBuild, environment, local_build
from tests.spark_cluster import missing, spark_cluster

N_WORKERS = 2
N_SHARDS = 40
SECONDS = 0.5  # of the host before each answer
MIN_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class StageUse:
    """How a stage used the workers: its tasks with work, the sum of their seconds, and the seconds from the first start to the last end."""

    n_tasks: int
    task_seconds: float
    span_seconds: float

    def share(self, n_workers: int) -> float:
        """Return the share of the ideal, in which all workers have work until the end."""
        return self.task_seconds / (n_workers * self.span_seconds)


def longest_stage(lines: Iterable[str]) -> StageUse:
    """Return the stage of an event log whose tasks took longest together.

    >>> task = '{"Event": "SparkListenerTaskEnd", "Stage ID": 1, "Task Info": {"Launch Time": %d, "Finish Time": %d}}'
    >>> longest_stage([task % (0, 4000), task % (0, 3000), task % (3000, 4000)]).share(2)
    1.0
    """
    stages = defaultdict[int, list[tuple[int, int]]](list)
    for line in lines:
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd":
            task = event["Task Info"]
            stages[event["Stage ID"]].append((task["Launch Time"], task["Finish Time"]))
    uses = []
    for tasks in stages.values():
        milliseconds = sum(end - start for start, end in tasks)
        span = max(end for _, end in tasks) - min(start for start, _ in tasks)
        uses.append(StageUse(len(tasks), milliseconds / 1000, max(span, 1) / 1000))
    return max(uses, key=lambda use: use.task_seconds)


def write_splits(recipe: Path, n_shards: int) -> None:
    """Put the clips of a table into splits of 1, 2, 3, 4, 5, 1, ... clips: each split is a shard of another size."""
    head, *rows = (recipe.parent / "clips.csv").read_text().splitlines()
    sizes = [1 + number % 5 for number in range(n_shards)]
    splits = [f"s{number}" for number, size in enumerate(sizes) for _ in range(size)]
    lines = [f"{head},split", *(f"{row},{split}" for row, split in zip(rows, splits, strict=True))]
    (recipe.parent / "clips.csv").write_text("\n".join(lines) + "\n")
    recipe.write_text(recipe.read_text().replace("shard_size = 3", "shard_size = 5"))


def main() -> int:
    """Build, and print how busy the workers were; the exit code is 1 below `MIN_SHARE`."""
    if lack := missing():
        print(f"left out: {lack}")
        return 0
    with tempfile.TemporaryDirectory() as folder, SlowHost(0) as host, spark_cluster(N_WORKERS, environment=environment()) as cluster:
        home = Path(folder)
        recipe = host.write_recipe(home / "in", sum(1 + number % 5 for number in range(N_SHARDS)))
        write_splits(recipe, N_SHARDS)
        local_build(recipe, home / "local", home / "out")
        (home / "events").mkdir()
        host.seconds = SECONDS
        conf = ["spark.eventLog.enabled=true", f"spark.eventLog.dir=file://{home}/events"]
        code, printed = SparkBuild(recipe, home / "out", cluster, [f"--spark_conf={pair}" for pair in conf]).finish()
        if code:
            print(printed)
            return code
        uses = [longest_stage(file.read_text().splitlines()) for file in (home / "events").iterdir()]
    use = max(uses, key=lambda each: each.task_seconds)
    share = use.share(N_WORKERS)
    work = f"{use.n_tasks} tasks, {use.task_seconds:.1f} s of work in {use.span_seconds:.1f} s"
    print(f"{work} on {N_WORKERS} workers: {share:.0%} of the ideal")
    return 0 if share >= MIN_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
