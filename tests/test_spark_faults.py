"""Parts of a Spark job are killed in the middle of a build: the bytes are those of a local build, nothing is lost, nothing runs on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fates import published
from tests.spark_builds import N_SHARDS, SlowHost, SparkBuild, environment, is_alive, local_build, wait_until
from tests.spark_cluster import SparkCluster, missing, spark_cluster

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "Spark is here")]
SECONDS = 0.7  # of the host before each answer, while a build is disturbed


@dataclass
class Setting:
    """A cluster, a slow host, a recipe, its planned folder, and what a local build publishes."""

    cluster: SparkCluster
    host: SlowHost
    recipe: Path
    plan: Path
    expected: dict[str, str]

    def start(self, output: Path) -> SparkBuild:
        if not output.exists():
            shutil.copytree(self.plan, output)
        return SparkBuild(self.recipe, output, self.cluster)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    home = tmp_path_factory.mktemp("spark")
    with SlowHost(0) as host, spark_cluster(2, environment=environment()) as cluster:
        recipe = host.write_recipe(home / "in")
        expected = local_build(recipe, home / "local", home / "plan")
        assert sum(name.endswith(".tar") for name in expected) == N_SHARDS
        host.seconds = SECONDS
        yield Setting(cluster, host, recipe, home / "plan", expected)


def check(setting: Setting, build: SparkBuild) -> None:
    """Check that a build ended well: the bytes of a local build, books that balance, and no fault that `verify` finds."""
    code, printed = build.finish()
    assert code == 0 and "the books balance" in printed, printed
    assert published(build.output) == setting.expected
    command = [sys.executable, "-m", "pipeline", "verify", str(build.output), "--deep"]
    assert subprocess.run(command, env=environment(), capture_output=True, text=True).stdout.strip() == "no faults"


def test_a_python_worker_is_killed(setting: Setting, tmp_path: Path) -> None:
    build = setting.start(tmp_path / "out")
    build.wait_for_shards(3)
    executor, workers = next((executor, workers) for executor, workers in setting.cluster.executors().items() if workers)
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, workers)), 10)
    assert is_alive(executor)
    check(setting, build)


def test_an_executor_is_killed(setting: Setting, tmp_path: Path) -> None:
    build = setting.start(tmp_path / "out")
    build.wait_for_shards(3)
    executor, workers = next((executor, workers) for executor, workers in setting.cluster.executors().items() if workers)
    os.kill(executor, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, workers)), 10)
    check(setting, build)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=["SIGTERM", "SIGINT", "SIGKILL"]
)
def test_a_killed_driver_leaves_nothing_behind_and_the_same_command_goes_on(
    setting: Setting, tmp_path: Path, number: int, code: int
) -> None:
    build = setting.start(tmp_path / "out")
    build.wait_for_shards(3)
    jobs, executors = build.jobs(), setting.cluster.executors()
    processes = [*jobs, *executors, *(worker for workers in executors.values() for worker in workers)]
    assert len(jobs) >= 1 and len(processes) >= 5
    os.kill(build.process.pid, number)
    second = setting.start(tmp_path / "out") if number == signal.SIGKILL else None  # at once: the job may still be there
    stopped, printed = build.finish()
    assert stopped == code
    assert code < 0 or "stopped; run the same command again" in printed
    wait_until(lambda: not any(map(is_alive, processes)), 25)
    n_made = build.n_made()
    assert 3 <= n_made < N_SHARDS
    if second is None or (refused := second.finish())[0] != 0:
        assert second is None or "another build is at work here" in refused[1]
        second = setting.start(tmp_path / "out")
        check(setting, second)
    else:
        assert published(second.output) == setting.expected


def test_a_spark_worker_is_killed(setting: Setting, tmp_path: Path) -> None:
    build = setting.start(tmp_path / "out")
    build.wait_for_shards(3)
    executors = setting.cluster.executors()
    name = next(name for name in setting.cluster.processes if name.startswith("worker"))
    setting.cluster.kill(name)
    check(setting, build)
    remaining = setting.cluster.executors()
    assert len(remaining) < len(executors) or not remaining
