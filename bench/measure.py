"""Compare the costs of several ways to do the same thing.

Every round runs all ways in a random order, and ratios are taken within a round, so that a noisy machine affects all ways equally.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, in which unit, with its spread; `target` such as `>= 8`, where there is one."""

    bench: str
    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    target: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; `None` where there is none."""
        if not self.target:
            return None
        sign, limit = self.target.split()
        return self.value >= float(limit) if sign == ">=" else self.value <= float(limit)

    def to_json(self) -> dict[str, Any]:
        """Return the line as it is written to the results."""
        return asdict(self) | {"reached": self.reached}


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU (user and system, children included), seconds on the clock, and the highest resident memory in MB."""

    cpu: float
    wall: float
    peak_mb: float = 0.0


def cost_of(action: Callable[[], object]) -> Cost:
    """Return what an action costs this process and the processes it starts and waits for."""
    before, began = _cpu(), time.perf_counter()
    action()
    return Cost(_cpu() - before, time.perf_counter() - began)


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def paired(ways: Mapping[str, Callable[[], Cost]], n_rounds: int, seed: int = 0) -> dict[str, list[Cost]]:
    """Return the costs of every way in every round; each round runs all of them once, in a random order."""
    order, chance = list(ways), random.Random(seed)
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(n_rounds):
        chance.shuffle(order)
        for name in order:
            costs[name].append(ways[name]())
    return costs


def ratio(above: list[float], below: list[float]) -> tuple[float, tuple[float, float]]:
    """Return the median of the paired ratios, and the lowest and highest of them.

    >>> ratio([8.0, 9.0, 40.0], [1.0, 1.0, 5.0])
    (8.0, (8.0, 9.0))
    """
    ratios = [numerator / denominator for numerator, denominator in zip(above, below, strict=True)]
    return statistics.median(ratios), (min(ratios), max(ratios))


def in_a_process(module: str, *arguments: object) -> dict[str, Any]:
    """Run `python -m module arguments` in a fresh process, where no other measurement adds imports or memory; return the JSON it prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def peak_mb() -> float:
    """Return the highest resident memory of this process and of each of its living children, added up, in MB (Linux)."""
    own = Path("/proc/self")
    children = (own / f"task/{os.getpid()}/children").read_text().split()
    for task in (own / "task").iterdir():
        children += (task / "children").read_text().split()
    return sum(_highest(Path("/proc") / pid / "status") for pid in {str(os.getpid()), *children})


def _highest(status: Path) -> float:
    lines = status.read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
