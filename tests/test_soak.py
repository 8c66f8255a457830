"""Builds from hosts that fail and throttle, killed in between, end with every row accounted for, within budgets, and with equal bytes."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import soundfile

from pipeline.output.layout import LEDGER
from tests.fates import tone
from tests.faulty_hosts import FaultyHost, serving

N_HOSTS = 5
DAY = 86_400.0
RECIPE = """
name = "soak"
shard_size = {shard_size}
allow_private = true

[hosts."127.0.0.2"]
per_hour = {per_hour}

[[sources]]
source = "table"
dataset = "Soak"
path = "clips.csv"
"""


class Soak:
    """A table of recordings of five hosts; the second allows some a hour, the third begins to throttle."""

    def __init__(self, home: Path, n_rows: int):
        self.home = home
        rows, files = ["id,url,caption"], [dict[str, bytes]() for _ in range(N_HOSTS)]
        for n in range(n_rows):
            sound = io.BytesIO()
            soundfile.write(sound, tone(100 + n, 0.05, 8000), 8000, subtype="PCM_16", format="WAV")
            files[n % N_HOSTS][f"/{n}.wav"] = sound.getvalue()
        self.hosts = [FaultyHost(f"127.0.0.{number + 1}", of_host) for number, of_host in enumerate(files)]
        rows += [f"c{n},{self.hosts[n % N_HOSTS].url(f'/{n}.wav')},Sound {n}." for n in range(n_rows)]
        self.per_hour = n_rows // N_HOSTS // 2
        self.hosts[2].throttles_after = n_rows // N_HOSTS // 4
        (home / "clips.csv").write_text("\n".join(rows) + "\n")
        (home / "recipe.toml").write_text(RECIPE.format(shard_size=max(n_rows // 8, 1), per_hour=self.per_hour))

    def start(self, output: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipeline", "build", "recipe.toml", "--output", output, "--workers", "2", "--json"]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        return subprocess.Popen(command, cwd=self.home, env=environment, **pipes)  # type: ignore[call-overload,no-any-return]

    def build(self, output: str) -> dict:
        build = self.start(output)
        printed, errors = build.communicate(timeout=600)
        assert build.returncode == 0, errors
        return json.loads(printed)  # type: ignore[no-any-return]

    def kill_after(self, output: str, n_requests: int) -> None:
        """Kill a build, and all its processes, when hosts have had that many requests more."""
        before = self.n_requests()
        build = self.start(output)
        while self.n_requests() - before < n_requests and build.poll() is None:
            time.sleep(0.01)
        os.killpg(build.pid, signal.SIGKILL)
        build.communicate()

    def n_requests(self) -> int:
        return sum(len(host.arrivals) for host in self.hosts)

    def let_a_day_pass(self, output: str) -> None:
        """Make every request and every stop in the ledger a day older."""
        for host in self.hosts:
            host.arrivals.clear()
            host.throttles_after = None
        with closing(sqlite3.connect(self.home / output / LEDGER)) as ledger:
            age_ledger(ledger, DAY)
            ledger.commit()

    def files(self, output: str) -> dict[str, bytes]:
        published = [path for path in (self.home / output / "Soak").rglob("*") if path.suffix in (".tar", ".parquet")]
        return {str(path.relative_to(self.home / output)): path.read_bytes() for path in published if "evidence" not in path.name}


def age_ledger(ledger: sqlite3.Connection, seconds: float) -> None:
    """Make all times in a ledger older."""
    ledger.execute("UPDATE requests SET ended = ended - ?", (seconds,))
    ledger.execute("UPDATE breakers SET until = until - ? WHERE until > 0", (seconds,))


def soak(home: Path, n_rows: int) -> None:
    trial = Soak(home, n_rows)
    with serving(trial.hosts):
        trial.kill_after("out", n_rows // 6)
        trial.kill_after("out", n_rows // 6)
        paused = trial.build("out")
        assert paused["balance"] and paused["total"]["planned"] == n_rows
        assert paused["total"]["samples"] + sum(paused["left"].values()) == n_rows  # all faults pass
        assert paused["left"].keys() == {"127.0.0.2", "127.0.0.3"} == paused["paused"].keys()
        assert len(trial.hosts[1].arrivals) <= trial.per_hour  # over three runs, two of them killed
        assert len(trial.hosts[2].arrivals) <= trial.hosts[2].throttles_after + 2 * 3 * 4 + 5  # type: ignore[operator]
        assert all(host.most_at_once <= 4 for host in trial.hosts)
        assert trial.build("out")["left"] == paused["left"]  # nothing is asked while they are stopped
        finished, n_days = paused, 0
        while finished["left"] and n_days < 4:  # what was asked for in vain is part of the budget too
            trial.let_a_day_pass("out")
            finished, n_days = trial.build("out"), n_days + 1
            assert len(trial.hosts[1].arrivals) <= trial.per_hour
        assert finished["left"] == {} and finished["total"]["samples"] == n_rows
        for host in trial.hosts:
            host.is_faulty = False
        (home / "recipe.toml").write_text((home / "recipe.toml").read_text().replace(f"per_hour = {trial.per_hour}", "per_hour = 1000000"))
        trial.build("undisturbed")
    assert trial.files("out") == trial.files("undisturbed")


def test_a_small_set_of_failing_hosts_survives_kills_and_stays_within_budgets(tmp_path: Path) -> None:
    soak(tmp_path, 80)


@pytest.mark.slow
def test_2000_rows_of_failing_hosts_survive_kills_and_stay_within_budgets(tmp_path: Path) -> None:
    soak(tmp_path, 2000)
