"""Builds on a Spark cluster that can be disturbed in the middle: recordings of a slow host, and the command as a process."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import soundfile

from tests.fates import published, tone
from tests.spark_cluster import QUICK_START, SparkCluster, below, children_of_processes
from tests.threaded_host import ThreadedHost

ROOT = Path(__file__).parent.parent
N_SHARDS = 14
RECIPE = """
name = "slow"
shard_size = 3
allow_private = true
respect_robots_txt = false

[hosts."127.0.0.1"]
concurrency = 64

[[sources]]
source = "table"
dataset = "Slow"
path = "clips.csv"
"""


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        time.sleep(self.server.owner.seconds)  # type: ignore[attr-defined]
        sound = io.BytesIO()
        soundfile.write(sound, tone(100 + int(self.path[1:-4]), 0.1, 8000), 8000, subtype="PCM_16", format="WAV")
        body = sound.getvalue()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class SlowHost(ThreadedHost):
    """A host that waits `seconds` before each answer: a build takes time, and no core."""

    handler = _Handler

    def __init__(self, seconds: float):
        self.seconds = seconds

    def write_recipe(self, folder: Path, n_clips: int = 3 * N_SHARDS) -> Path:
        """Write a recipe and its table; each recording of this host is another tone."""
        folder.mkdir(parents=True)
        port = self._server.server_address[1]
        rows = [f"c{n},http://127.0.0.1:{port}/{n}.wav,Sound {n}." for n in range(n_clips)]
        (folder / "clips.csv").write_text("\n".join(["id,url,caption", *rows]) + "\n")
        (folder / "recipe.toml").write_text(RECIPE)
        return folder / "recipe.toml"


class SparkBuild:
    """A build as a process, with the process of its spark-submit."""

    def __init__(self, recipe: Path, output: Path, cluster: SparkCluster, options: Sequence[str] = ()):
        self.output = output
        self.cluster = cluster
        command = [sys.executable, "-m", "pipeline", "build", str(recipe), "--output", str(output), "--runner", "SparkRunner"]
        self.process = subprocess.Popen(
            [*command, "--spark_master", cluster.master, *options],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def n_made(self) -> int:
        """Return the number of shards that are complete."""
        return len(list(self.output.glob("*/*/*_stats.json")))

    def wait_for_shards(self, n: int) -> None:
        """Wait until so many shards are made; the build must not be over then."""
        wait_until(lambda: self.n_made() >= n or self.process.poll() is not None, 180)
        assert self.process.poll() is None, self.process.communicate()

    def jobs(self) -> list[int]:
        """Return the processes of the job on this machine, spark-submit first."""
        return below(self.process.pid, children_of_processes())

    def finish(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what was printed."""
        output, errors = self.process.communicate(timeout=400)
        return self.process.returncode, output + errors


def environment() -> dict[str, str]:
    """Return the environment of builds and of workers: they use the code of this checkout."""
    return os.environ | QUICK_START | {"PYTHONPATH": str(ROOT)}


def local_build(recipe: Path, output: Path, plan: Path) -> dict[str, str]:
    """Plan and build a recipe here; copy the folder as planned to `plan`. Returns what the build published."""
    for verb in ("plan", "build"):
        command = [sys.executable, "-m", "pipeline", verb, str(recipe), "--output", str(output)]
        subprocess.run(command, env=environment(), check=True, capture_output=True)
        if verb == "plan":
            shutil.copytree(output, plan)
    return published(output)


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.1)


def is_alive(process: int) -> bool:
    """Return whether a process still runs: it is there, and no zombie that waits for its parent."""
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
