"""Count when requests reach a loopback server, and ask it from threads and processes that keep to budgets.

python -m tests.arrivals URL LEDGER THREADS SECONDS LIMIT    # one process of clients, which may be killed
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

from pipeline.records import Reason, Rejected
from tests.downloads import QUICK
from tests.loopback import Loopback
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.limits.windows import Spans
from transforms.fetching.web.http import HttpClient

SPANS = Spans(minute=0.4, hour=3600, day=86_400, settle=0.15)
"""A minute of 0.4 s."""
HOST = "127.0.0.1"


class Arrivals(Loopback):
    """A server that sees each request up to `delay` seconds after it was sent, and notes when.

    Attributes:
        times: when requests were seen, in Unix time.
    """

    def __init__(self, files: dict[str, bytes], delay: float = 0.0):
        super().__init__(files)
        self.delay = delay
        self.times: list[float] = []

    def begin(self, path: str, headers: dict[str, str]) -> int:
        time.sleep(random.random() * self.delay)
        with self.lock:
            self.times.append(time.time())
        return super().begin(path, headers)

    def most_in(self, seconds: float) -> int:
        """Return the largest number of requests that were seen in any window of some seconds."""
        with self.lock:
            times = sorted(self.times)
        return max((sum(begin <= seen < begin + seconds for seen in times) for begin in times), default=0)


def budgets_of(ledger: Path | None, limits: HostLimits, wait: bool = False, spans: Spans = SPANS) -> Budgets:
    """Return budgets whose minute is short."""
    return Budgets(BudgetSettings(HostTable({HOST: limits}), ledger, wait), spans=spans)


def ask(url: str, budgets: list[Budgets], n_threads: int, seconds: float) -> int:
    """Download `url` for some seconds in threads, which take turns in their budgets; return how many downloads were postponed."""
    until, postponed = time.monotonic() + seconds, []
    clients = [HttpClient(replace(QUICK, attempts=1), each) for each in budgets]

    def work(client: HttpClient) -> None:
        while time.monotonic() < until:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    client.download(url, Path(folder))
                except Rejected as rejected:
                    assert rejected.reason == Reason.POSTPONED, rejected
                    postponed.append(rejected)
                    time.sleep(0.01)

    threads = [threading.Thread(target=work, args=(clients[n % len(clients)],)) for n in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.manager.clear()
    return len(postponed)


def process(url: str, ledger: Path, n_threads: int, seconds: float, limits: HostLimits) -> subprocess.Popen:
    """Start a process of clients; it writes a line when it begins."""
    numbers = {name: getattr(limits, name) for name in ("concurrency", "per_minute", "per_hour", "per_day")}
    arguments = [url, str(ledger), str(n_threads), str(seconds), json.dumps(numbers)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.arrivals", *arguments],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )


if __name__ == "__main__":
    url, ledger, n_threads, seconds, limits = sys.argv[1:]
    budgets = budgets_of(Path(ledger), HostLimits(**json.loads(limits)))
    print("begun", flush=True)
    ask(url, [budgets], int(n_threads), float(seconds))
