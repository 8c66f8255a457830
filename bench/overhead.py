"""Measure what a build costs beside conversion: its own CPU a clip, and the time until the first shard starts.

The CPU of conversions is counted inside the conversion processes, around `convert`. All else of making the shards is our own: fetching,
hashing, pipes, tar and books. The plan is made before. The difference of a large and a small build has no start-up in it.
"""

from __future__ import annotations

import json
import os
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from bench.measure import Cost, Row, cost_of, in_a_process, paired

FEW = 4
COUNTS = "BENCH_CONVERSION_SECONDS"
"""Environment variable: the folder where each conversion process keeps the seconds of CPU that its conversions took."""
SECONDS = struct.Struct("d")


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return the figures of what is not conversion."""
    from bench.build import make_recipe
    from bench.many import first_shard
    from bench.snapshot import N_SHARDS
    from pipeline.output.plan_index import FORMAT

    many, n_rounds = (84, 2) if quick else (164, 5)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        recipes = {}
        for name, n_clips in (("few", FEW), ("many", many)):
            (Path(folder) / name).mkdir()
            recipes[name] = make_recipe(n_clips, corpus, Path(folder) / name)
        ways = {name: _way("own", str(recipe), folder) for name, recipe in recipes.items()}
        costs = paired(ways | {"start": _way("start", "quickstart", folder)}, n_rounds)
    a_clip = [1000 * (large.cpu - small.cpu) / (many - FEW) for large, small in zip(costs["many"], costs["few"], strict=True)]
    starts = [cost.wall for cost in costs["start"]]
    n_shards = N_SHARDS // 10 if quick else N_SHARDS
    large = [first_shard(corpus.parent / f"many-{n_shards}-format-{FORMAT}", n_shards) for _ in range(n_rounds)]
    times = [cost.wall for cost in large]
    return [
        Row("overhead", "own CPU a clip beside conversion", statistics.median(a_clip), "ms", (min(a_clip), max(a_clip)), "<= 3"),
        Row("overhead", "start-up of a local build", statistics.median(starts), "s", (min(starts), max(starts)), "<= 2"),
        Row("overhead", "CPU of the start-up of a local build", statistics.median(cost.cpu for cost in costs["start"]), "s"),
        Row("overhead", f"first missing shard of {n_shards}", statistics.median(times), "s", (min(times), max(times)), "<= 5"),
        Row("overhead", f"CPU until the first missing shard of {n_shards} stands", statistics.median(cost.cpu for cost in large), "s"),
    ]


def _way(what: str, recipe: str, folder: str) -> Callable[[], Cost]:
    def run() -> Cost:
        with tempfile.TemporaryDirectory(dir=folder) as work:
            return Cost(**in_a_process("bench.overhead", what, recipe, work, time.time()))

    return run


def serve_counted(*arguments: int) -> None:
    """Do the same as `conversion_pool.serve`, and keep the seconds of CPU that conversions take."""
    import transforms.audio.conversion_pool as pool
    import transforms.audio.convert as module  # `serve` imports `convert` from there

    convert, spent = module.convert, 0.0
    descriptor = os.open(Path(os.environ[COUNTS]) / str(os.getpid()), os.O_WRONLY | os.O_CREAT)

    def counted(*request):  # type: ignore[no-untyped-def]
        nonlocal spent
        began = time.process_time()
        try:
            return convert(*request)
        finally:
            spent += time.process_time() - began
            os.pwrite(descriptor, SECONDS.pack(spent), 0)

    module.convert = counted
    pool.serve(*arguments)


def _own_cost(recipe: str, work: Path) -> Cost:
    """Make the shards of a plan, and return the cost without the CPU of conversions."""
    import transforms.audio.conversion_pool as module
    from pipeline.engines.run import Engine
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import load_recipe
    from pipeline.verbs.build import build
    from pipeline.verbs.current_plan import current_plan, standing_snapshot
    from pipeline.verbs.rare_collections import rare_collections

    counts = work / "counts"
    counts.mkdir()
    os.environ[COUNTS] = str(counts)
    module.PROGRAM = module.PROGRAM.replace("transforms.audio.conversion_pool import serve", "bench.overhead import serve_counted as serve")
    loaded, folder = load_recipe(recipe), Folder(str(work / "out"))
    with folder.locked():
        current_plan(loaded, standing_snapshot(folder), None, Engine())

    def run() -> None:
        with rare_collections():  # as the command does
            outcome = build(loaded, folder, None, Engine(), lambda *_: nullcontext())
        assert outcome.books.balance and not outcome.plan_is_new
        module.conversion_pool().close()

    cost = cost_of(run)
    spent = sum(SECONDS.unpack(file.read_bytes())[0] for file in counts.iterdir())
    assert spent, "no recording was converted"
    return Cost(cost.cpu - spent, cost.wall)


def _start_up(recipe: str, work: Path, began: float) -> None:
    """Print the cost from the start of this process until the first shard starts, and end this process."""
    from pipeline.command import main as command
    from pipeline.verbs import rounds

    run_tasks = rounds.run_tasks

    def watched(*arguments):  # type: ignore[no-untyped-def]
        from transforms.shards import build_shards

        def first(*_: object) -> None:
            print(json.dumps(asdict(Cost(time.process_time(), time.time() - began))), flush=True)
            os._exit(0)

        build_shards.build_shard = first  # type: ignore[assignment]
        run_tasks(*arguments)

    rounds.run_tasks = watched
    command(["build", recipe, "--output", str(work / "out")])


def main(arguments: list[str]) -> None:
    """Measure one thing in this process and print its cost as JSON."""
    what, recipe, work, began = arguments
    if what == "start":
        _start_up(recipe, Path(work), float(began))
    else:
        print(json.dumps(asdict(_own_cost(recipe, Path(work)))))


if __name__ == "__main__":
    main(sys.argv[1:])
