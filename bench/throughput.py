"""Measure whether all cores are used: one conversion process against one a core, and fetches from a slow server against local files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.build import N_CORES
from bench.corpus import make_sound
from bench.measure import Cost, Row, paired, ratio
from pipeline.records import AudioLimits, Clip, Provenance, Recording
from transforms.audio.conversion_pool import ConversionPool
from transforms.shards.make_samples import make_samples
from transforms.shards.ordered_map import ordered_map

GROUPS = {"wav and flac": ("wav", "flac24"), "m4a and opus": ("m4a", "opus")}
SERVER = 0.050  # seconds that a slow server takes for a file
N_FETCHES = 16  # in flight


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return speed-ups over one process, and the speed with a slow server against that with local files."""
    n_clips, n_rounds = (48, 3) if quick else (96, 5)
    table = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for title, kinds in GROUPS.items():
            sounds = [make_sound(kinds[number % len(kinds)], 10.0, number % 4, corpus) for number in range(n_clips)]
            table.append(_speed_up(title, sounds, Path(folder), n_rounds))
        sounds = [make_sound("wav", 10.0, number % 4, corpus) for number in range(2 * n_clips)]
        table.append(_slow_server(sounds, Path(folder), n_rounds))
    return table


def _speed_up(title: str, sounds: list[Path], folder: Path, n_rounds: int) -> Row:
    pools = {n_processes: ConversionPool(n_processes) for n_processes in {1, N_CORES}}
    ways = {str(n): partial(_clock, partial(_convert_all, sounds, pool, 2 * n, 0.0, folder)) for n, pool in pools.items()}
    for way in ways.values():
        way()
    costs = paired(ways, n_rounds)
    for pool in pools.values():
        pool.close()
    value, spread = ratio([cost.wall for cost in costs["1"]], [cost.wall for cost in costs[str(N_CORES)]])
    target = {"wav and flac": 0.9, "m4a and opus": 0.85}[title] * N_CORES
    return Row("throughput", f"{title}: speed of {N_CORES} processes over one", value, "x", spread, f">= {target:g}")


def _slow_server(sounds: list[Path], folder: Path, n_rounds: int) -> Row:
    pool = ConversionPool(N_CORES)
    waits = {"local": 0.0, "slow": SERVER}
    ways: dict[str, Callable[[], Cost]] = {
        name: partial(_clock, partial(_convert_all, sounds, pool, N_FETCHES, wait, folder)) for name, wait in waits.items()
    }
    ways["local"]()
    costs = paired(ways, n_rounds)
    pool.close()
    value, spread = ratio([cost.wall for cost in costs["slow"]], [cost.wall for cost in costs["local"]])
    title = f"time with {1000 * SERVER:g} ms a fetch, {N_FETCHES} in flight / local files"
    return Row("throughput", title, value, "x", spread, "<= 1.15")


def _convert_all(sounds: list[Path], pool: ConversionPool, n_threads: int, wait: float, folder: Path) -> None:
    clips = [Clip("bench", "Bench", "train", str(number), str(sound)) for number, sound in enumerate(sounds)]

    def fetch(clip: Clip, work: Path) -> Recording:
        time.sleep(wait)
        return Recording(Path(clip.url), Provenance())

    for _ in ordered_map(lambda clip: make_samples([clip], fetch, AudioLimits(), folder, pool.convert), clips, n_threads):
        pass


def _clock(action: Callable[[], object]) -> Cost:
    began = time.perf_counter()
    action()
    return Cost(0.0, time.perf_counter() - began)
