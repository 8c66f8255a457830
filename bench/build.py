"""Measure full builds: clips a second and CPU a clip against one ffmpeg process a clip, Beam against a plain pool, memory."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import transforms.shards.build_shards as build_shards_module
from bench.corpus import KINDS, make_sound
from bench.measure import Cost, Row, cost_of, in_a_process, paired, peak_mb, ratio
from bench.peers import by_process, static_ffmpeg, system_ffmpeg
from pipeline.engines.run import Engine
from pipeline.output.equal_sounds_file import EqualSounds
from pipeline.output.plan_files import read_rows_of
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe, load_recipe
from pipeline.verbs.build import build
from pipeline.verbs.build_record import build_settings
from pipeline.verbs.current_plan import current_plan
from pipeline.verbs.rounds import run_tasks, unfinished
from transforms.audio.conversion_pool import conversion_pool
from transforms.audio.convert import convert
from transforms.shards.build_shards import build_shard
from transforms.shards.shard_task import BuildSettings, ShardTask

N_CORES = len(os.sched_getaffinity(0))


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return the figures of the build."""
    n_clips, n_rounds = (96, 2) if quick else (192, 3)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        recipe = make_recipe(n_clips, corpus, Path(folder))
        ways = {name: _way(name, recipe, Path(folder)) for name in ("build", "beam", "pool", "static ffmpeg")}
        if system_ffmpeg():
            ways["system ffmpeg"] = _way("system ffmpeg", recipe, Path(folder))
        costs = paired(ways, n_rounds)
    return _table(costs, n_clips)


def _table(costs: dict[str, list[Cost]], n_clips: int) -> list[Row]:
    def median(name: str, part: str) -> float:
        return statistics.median(getattr(cost, part) for cost in costs[name])

    def against(above: str, below: str, part: str, title: str, target: str) -> Row:
        value, spread = ratio([getattr(cost, part) for cost in costs[above]], [getattr(cost, part) for cost in costs[below]])
        return Row("build", title, value, "x", spread, target)

    table = [
        Row("build", f"clips a second, {N_CORES} cores", n_clips / median("build", "wall"), "clips/s"),
        Row("build", "CPU a clip, plan and books included", 1000 * median("build", "cpu") / n_clips, "ms"),
        Row("build", "highest resident memory of a build, all processes", median("build", "peak_mb"), "MB"),
        against("static ffmpeg", "build", "cpu", "CPU of one static ffmpeg a clip / ours", ""),
        against("beam", "pool", "cpu", "CPU of the shards through Beam / a plain process pool", "<= 1.15"),
        against("beam", "pool", "wall", "time of the shards through Beam / a plain process pool", "<= 1.15"),
    ]
    if "system ffmpeg" in costs:
        table.insert(3, against("system ffmpeg", "build", "wall", "time of one system ffmpeg a clip / ours", ""))
        table.insert(3, against("system ffmpeg", "build", "cpu", "CPU of one system ffmpeg a clip / ours", ""))
    return table


def make_recipe(n_clips: int, corpus: Path, folder: Path) -> Path:
    """Write a recipe over `n_clips` sounds of 10 s in every kind, and return its path."""
    kinds = list(KINDS)
    sounds = [make_sound(kinds[number % len(kinds)], 10.0, number, corpus) for number in range(n_clips)]
    with (folder / "clips.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "url", "caption"])
        table.writerows([number, os.path.relpath(path, folder), f"sound number {number}"] for number, path in enumerate(sounds))
    source = '[[sources]]\nsource = "table"\ndataset = "Bench"\npath = "clips.csv"\nid = "id"\nurl = "url"\ncaption = "caption"\n'
    local_files = json.dumps([str(corpus.resolve())])  # a TOML list of texts is written as in JSON
    (folder / "bench.toml").write_text(f'name = "bench"\nshard_size = {max(8, n_clips // 8)}\nlocal_files = {local_files}\n\n{source}')
    return folder / "bench.toml"


def _way(name: str, recipe: Path, folder: Path) -> Callable[[], Cost]:
    def run() -> Cost:
        output = folder / "out"
        shutil.rmtree(output, ignore_errors=True)
        return Cost(**in_a_process("bench.build", name, recipe, output))

    return run


def _in_this_process(name: str, path: Path, output: Path) -> Cost:
    """Measure one way of making the shards, without imports; where only shards are compared, without planning too."""
    recipe = load_recipe(str(path))
    engine, folder = Engine("local", N_CORES), Folder(str(output))
    if name == "build":
        return _cost_and_memory(lambda: _check_samples(build(recipe, folder, None, engine, _unwatched).books.total.samples))
    if name in {"beam", "pool"}:
        snapshot, settings, tasks = _planned(recipe, folder, engine)
        if name == "beam":
            cost = _cost_and_memory(lambda: run_tasks(tasks, snapshot, settings, engine, _unwatched))
        else:
            cost = cost_of(lambda: _by_pool(tasks, settings))
        _check_samples(sum(marker.n_samples for marker in take_snapshot(folder).markers.values()))
        return cost
    binary = system_ffmpeg() if name == "system ffmpeg" else static_ffmpeg()
    assert binary is not None
    with path.with_name("clips.csv").open() as file:
        sounds = [path.parent / row["url"] for row in csv.DictReader(file)]
    return cost_of(lambda: _by_ffmpeg(binary, sounds, output))


def _planned(recipe: BuildRecipe, folder: Folder, engine: Engine) -> tuple[Snapshot, BuildSettings, list[ShardTask]]:
    snapshot, _ = current_plan(recipe, take_snapshot(folder), None, engine)
    settings = build_settings(recipe, folder)
    return snapshot, settings, list(unfinished(snapshot, settings.settings_hash_of, EqualSounds()))


def _cost_and_memory(action: Callable[[], object]) -> Cost:
    memory = []
    cost = cost_of(lambda: memory.append(_and_end(action)))
    return replace(cost, peak_mb=memory[0])


def _check_samples(n_samples: int) -> None:
    """Refuse to measure a build that converted nothing: it would look fast."""
    if not n_samples:
        raise RuntimeError("no recording was converted: the figures would say nothing; look at the reasons in the books")


def _unwatched(before: Snapshot, tasks: list[ShardTask]) -> nullcontext[None]:
    return nullcontext()


def _and_end(action: Callable[[], object]) -> float:
    """Run an action and return the highest memory in MB; end the conversion processes, whose CPU is counted only after they end."""
    action()
    highest = peak_mb()
    conversion_pool().close()
    return highest


def _by_pool(tasks: list[ShardTask], settings: BuildSettings) -> None:
    """Make the same shards without Beam and without conversion processes: one process a core makes one shard at a time."""
    with multiprocessing.get_context("fork").Pool(N_CORES) as pool:
        pool.starmap(_make_shard, [(task, settings) for task in tasks], chunksize=1)
        pool.close()
        pool.join()


class _InThisProcess:
    """A conversion pool without processes: it converts in the process that calls it."""

    convert = staticmethod(convert)


def _make_shard(task: ShardTask, settings: BuildSettings) -> None:
    build_shards_module.conversion_pool = lambda: _InThisProcess  # type: ignore[assignment]
    clips = read_rows_of(settings.folder, task.shard)
    build_shard(task, clips, settings.fetcher, settings)


def _by_ffmpeg(binary: str, sounds: list[Path], output: Path) -> None:
    """Convert with one ffmpeg process a clip, one at a time on each core, and add the files to one tar."""
    output.mkdir(parents=True)

    def convert_sound(number: int) -> Path:
        folder = output / str(number)
        folder.mkdir()
        by_process(binary)(sounds[number], folder)
        (folder / "out.json").write_text(json.dumps({"text": [f"sound number {number}"], "tag": []}))
        return folder

    with ThreadPoolExecutor(N_CORES) as threads, tarfile.open(output / "0.tar", "w") as tar:
        for number, folder in enumerate(threads.map(convert_sound, range(len(sounds)))):
            tar.add(folder / "out.flac", f"{number}.flac")
            tar.add(folder / "out.json", f"{number}.json")


def main(arguments: list[str]) -> None:
    """Measure one way in this process and print its cost as JSON."""
    name, recipe, output = arguments
    print(json.dumps(asdict(_in_this_process(name, Path(recipe), Path(output)))))


if __name__ == "__main__":
    main(sys.argv[1:])
