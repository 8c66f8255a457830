"""Start a Spark standalone cluster on free ports of this machine, and end it with every process that it started.

with spark_cluster(n_workers=2) as cluster:
    build("--runner", "SparkRunner", "--spark_master", cluster.master)
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.engines.spark_jar import MAKE, jar_path

START_SECONDS = 120  # a JVM on a busy machine may take half a minute to start
QUICK_START = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""Environment of JVMs that end after a minute: without the compiler that needs longer to be worth it."""


@dataclass
class SparkCluster:
    """A running cluster: the address of its master, and the processes of master and workers."""

    master: str
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def executors(self) -> dict[int, list[int]]:
        """Return the executors of all workers, and the Python workers of each, as process ids."""
        children = children_of_processes()
        workers = [process.pid for name, process in self.processes.items() if name.startswith("worker")]
        return {executor: below(executor, children) for worker in workers for executor in children.get(worker, ())}

    def kill(self, name: str) -> None:
        """Kill a part, `master` or `worker0`, as a fault would; its executors see that by themselves."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()


def missing() -> str:
    """Return what this machine lacks to run Spark; empty if nothing."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed"
    if not any((Path(folder) / "java").is_file() for folder in os.environ["PATH"].split(":")):
        return "there is no java"
    return "" if jar_path().is_file() else f"the jar is not made: {MAKE}"


@contextlib.contextmanager
def spark_cluster(n_workers: int, cores: int = 1, memory: str = "2g", environment: dict[str, str] | None = None) -> Iterator[SparkCluster]:
    """Start a master and workers; end them, their executors and their Python workers at the end of the context.

    Args:
        cores: of each worker: the tasks that it runs at the same time.
        memory: that each worker offers to executors.
        environment: variables for the workers, which executors inherit.
    """
    with tempfile.TemporaryDirectory(prefix="spark-cluster-") as folder:
        cluster = SparkCluster("")
        try:
            log = _start(cluster, Path(folder), "master", ["master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"], {})
            cluster.master = _wait_for(log, r"Starting Spark master at (spark://\S+)")[0]
            for number in range(n_workers):
                given = ["--cores", str(cores), "--memory", memory, "--webui-port", "0", "--work-dir", f"{folder}/work{number}"]
                command = ["worker.Worker", "--host", "127.0.0.1", *given, cluster.master]
                _start(cluster, Path(folder), f"worker{number}", command, environment or {})
            _wait_for(log, "Registering worker", n_workers)
            yield cluster
        finally:
            for process in reversed(cluster.processes.values()):
                _end(process)


def _start(cluster: SparkCluster, folder: Path, name: str, command: list[str], environment: dict[str, str]) -> Path:
    """Start a part of Spark in its own process group; return its log."""
    spec = importlib.util.find_spec("pyspark")
    assert spec is not None and spec.origin is not None
    home = Path(spec.origin).parent
    settings = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_CONF_DIR": str(folder), "SPARK_DAEMON_MEMORY": "256m"}
    log = folder / f"{name}.log"
    main, *arguments = command
    with log.open("wb") as output:
        cluster.processes[name] = subprocess.Popen(
            [home / "bin/spark-class", f"org.apache.spark.deploy.{main}", *arguments],
            env={**os.environ, **settings, **QUICK_START, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return log


def _wait_for(log: Path, pattern: str, n_times: int = 1) -> list[str]:
    deadline = time.monotonic() + START_SECONDS
    while len(matches := re.findall(pattern, log.read_text(errors="replace"))) < n_times:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{pattern!r} is not in the log of Spark after {START_SECONDS} s:\n{log.read_text(errors='replace')[-3000:]}"
            )
        time.sleep(0.1)
    return matches


def _end(process: subprocess.Popen) -> None:
    """End a process of the cluster and everything below it; Python workers are in process groups of their own."""
    family = below(process.pid, children_of_processes())
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for child in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    process.wait()


def children_of_processes() -> dict[int, list[int]]:
    """Return the children of every process of this machine that has some, as process ids."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it has ended since
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                children.setdefault(int(parent), []).append(int(entry.name))
    return children


def below(process: int, children: dict[int, list[int]]) -> list[int]:
    """Return all descendants of a process."""
    direct = children.get(process, [])
    return [*direct, *(further for child in direct for further in below(child, children))]
