"""Measure a command with all processes that it starts: seconds of CPU, seconds on the clock, and the most memory at one time (Linux)."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Cost

EVERY = 0.1  # seconds between two looks at the memory


def cost_of_command(command: Sequence[str]) -> Cost:
    """Run a command to its end and return what it and its processes cost; `peak_mb` is the highest sum of their resident memory.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before, began, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while True:
            peak = max(peak, _tree_mb(process.pid))
            try:
                _, errors = process.communicate(timeout=EVERY)
                break
            except subprocess.TimeoutExpired:
                continue
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=errors)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.perf_counter() - began, peak)


def _tree_mb(pid: int) -> float:
    """Return the resident memory of a process and of all processes below it, in MB; nothing of processes that have just ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        children = {child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()}
    except OSError:
        return 0.0
    own = sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
    return own + sum(_tree_mb(int(child)) for child in children)
