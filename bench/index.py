"""Measure what a run takes before its first step on 2.5 million samples in 5,000 shards.

The shards are 5,000 names of one tar: what is measured is the work of the trainer, with all shards in the memory of the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Row
from tests.train_sets import flac, sound, write_shard

PER_SHARD = 500
STARTS = {"first start": "shards indexed", "later start": "index as it is"}
START = """
import resource, sys, time
from pathlib import Path
import train.fit
from train.data.order import portions, samples_of_steps
from train.recipe import load_recipe
from train.start import check_data

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

before, began = peak_mb(), time.monotonic()
recipe = load_recipe("paper-2.5m", ["fusion=none"])
clips, _, recipe = check_data(sys.argv[1], recipe, Path(sys.argv[2]))
steps = samples_of_steps(portions(clips.shards, {}), recipe.batch, recipe.seed, 0, recipe.steps)
assert len(next(steps)) == recipe.batch
print(time.monotonic() - began, peak_mb() - before)
"""


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return seconds and memory of a first and of a later start; of a hundredth of the shards where `quick`."""
    n_shards = 50 if quick else 5000
    table = []
    with tempfile.TemporaryDirectory(prefix="bench-index-") as folder:
        write_set(Path(folder) / "set", n_shards)
        for name, what in STARTS.items():
            seconds, megabytes = start(Path(folder))
            size = f"{n_shards * PER_SHARD:,} samples, {what}"
            table += [
                Row("index", f"{name}: {size}", seconds, "s", target="" if quick else "<= 10"),
                Row("index", f"{name}: memory over that of the program", megabytes, "MB", target="<= 200"),
            ]
        n_bytes = sum(file.stat().st_size for file in (Path(folder) / "cache").rglob("*") if file.is_file())
        table.append(Row("index", "index on disk, a sample with its name", n_bytes / (n_shards * PER_SHARD), "bytes"))
    return table


def write_set(root: Path, n_shards: int) -> None:
    """Write a set whose training shards are names of one tar."""
    audio = flac(sound("hum", 0.05, 0))
    samples = [(f"AudioSet-unbalanced_train-{i:08}", audio, {"text": ["a hum of 0.05 s"], "tag": ["hum"]}) for i in range(PER_SHARD)]
    for split, n in (("train", n_shards), ("valid", 1)):
        folder = root / "Fabricated" / split
        write_shard(folder / "0.tar", samples)
        for number in range(1, n):
            os.link(folder / "0.tar", folder / f"{number}.tar")
        (folder / "sizes.json").write_text(json.dumps({f"{number}.tar": PER_SHARD for number in range(n)}))


def start(folder: Path) -> tuple[float, float]:
    """Return seconds, and MB over those of the imported program, that all takes which a run does before its first step."""
    command = [sys.executable, "-c", START, str(folder / "set"), str(folder / "cache")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes
