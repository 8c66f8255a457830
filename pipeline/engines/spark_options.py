"""Read the options that choose a Spark cluster, and make the command that submits a job to it."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.engines.boot import NEEDS

STOCK = ("--spark_master_url", "--spark_rest_url", "--spark_submit_uber_jar", "--job_endpoint")
"""Options of Beam's own ways to Spark: with one of them, and without `--spark_master`, all options go to Beam unchanged."""
MASTER = re.compile(r"local(\[[\d*, ]+\])?|spark://[^/:]+:\d+(,[^/:]+:\d+)*|yarn|k8s://\S+")
MASTERS = "spark://HOST:PORT, yarn, k8s://https://HOST:PORT or local[N]"
PYTHON = "spark.pyspark.python"
WORKER, WORKER_LOG = "laion-audio-worker.sh", "laion-audio-worker.log"
"""Files in the working folder of an executor: the script that starts Python workers, and what they print before they are ready."""
CACHE_MILLIS = 60_000
"""Time that an executor keeps a Python worker without tasks: between two stages. A worker takes seconds to start."""


@dataclass(frozen=True, slots=True)
class SparkSettings:
    """Where a job runs and how: the master, settings of Spark, and options that go to Beam.

    `conf` has the values of `--spark_conf`, in the order given.
    """

    master: str
    conf: tuple[str, ...] = ()
    beam_options: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether the job runs inside of the process that spark-submit starts, on this machine."""
        return self.master.startswith("local")

    def worker_python(self, environment: Mapping[str, str] = os.environ) -> str:
        """Return the path of the Python of workers, on every node: as PySpark users name it, else the path of this process's Python."""
        return self.settings.get(PYTHON) or environment.get("PYSPARK_PYTHON") or sys.executable

    @property
    def settings(self) -> dict[str, str]:
        """The settings of Spark by name; of a name that is given twice the last."""
        return dict(pair.split("=", 1) for pair in self.conf if "=" in pair)


def is_ours(options: Sequence[str]) -> bool:
    """Return whether options choose this package's way to Spark.

    >>> is_ours(["--spark_master=yarn"]), is_ours(["--spark_master_url=local[2]"])
    (True, False)
    """
    return any(option.split("=", 1)[0] == "--spark_master" for option in options)


def is_stock(options: Sequence[str]) -> bool:
    """Return whether options choose one of Beam's own ways to Spark."""
    return any(option.split("=", 1)[0] in STOCK for option in options)


def read_options(options: Sequence[str]) -> SparkSettings:
    """Return the settings that options give; options of others stay in `beam_options`.

    Raises:
        ValueError: an option has no value.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--spark_master", default="")
    parser.add_argument("--spark_conf", action="append", default=[])
    try:
        given, rest = parser.parse_known_args(list(options))
    except argparse.ArgumentError as error:
        raise ValueError(str(error)) from error
    return SparkSettings(given.spark_master, tuple(given.spark_conf), tuple(rest))


def option_faults(settings: SparkSettings) -> Iterator[str]:
    """Yield a line for every setting that cannot work."""
    if not MASTER.fullmatch(settings.master):
        yield f"--spark_master {settings.master!r} is not the address of a master; give {MASTERS}"
    for pair in settings.conf:
        if not re.match(r"spark\.[^=\s]+=", pair):
            yield f"--spark_conf {pair!r} is not a setting of Spark; give spark.NAME=VALUE, as in --spark_conf spark.executor.memory=4g"
    if settings.settings.get("spark.submit.deployMode", "client") != "client":
        yield "--spark_conf spark.submit.deployMode: only client works, because this process shows how far the build is and can stop it"
    if "spark.master" in settings.settings:
        yield f"--spark_conf spark.master: give it as --spark_master, as in --spark_master {settings.settings['spark.master']}"


def beam_options(settings: SparkSettings, needs: str) -> list[str]:
    """Return the options for Beam: those given, and defaults where they are silent.

    Args:
        needs: the versions that workers must have.
    """
    given = {option.split("=", 1)[0] for option in settings.beam_options}
    if settings.is_local:
        environment = ["--environment_type=LOOPBACK"]  # workers are threads of this process
    else:
        config = {"command": f"./{WORKER}", "env": {NEEDS: needs}}
        environment = ["--environment_type=PROCESS", f"--environment_config={json.dumps(config)}"]
    defaults = [
        *([] if "--environment_type" in given else environment),
        # A local job would wait until the time is over before it ends.
        f"--environment_cache_millis={0 if settings.is_local else CACHE_MILLIS}",
    ]
    return [*settings.beam_options, *(option for option in defaults if option.split("=", 1)[0] not in given)]


def submit_command(settings: SparkSettings, spark_submit: Path, jar: Path, job: Path, n_parts: int) -> list[str]:
    """Return the command that submits a job. It is the same for every kind of cluster.

    Args:
        spark_submit: the program of Spark.
        jar: the jar of `spark_jar.py`.
        job: folder with pipeline.pb, options.json and the script that starts workers.
        n_parts: number of parts that the work has at least.
    """
    defaults = {
        "spark.plugins": "laionaudio.FreshWorkers",
        "spark.ui.showConsoleProgress": "false",
    }
    conf = [f"{name}={value}" for name, value in defaults.items() if name not in settings.settings]
    return [
        str(spark_submit),
        *("--master", settings.master, "--deploy-mode", "client", "--name", "laion-audio"),
        *(part for pair in (*conf, *settings.conf) for part in ("--conf", pair)),
        *("--files", str(job / WORKER), "--class", "laionaudio.Submit"),
        *(str(jar), str(job), str(n_parts)),
    ]


def worker_script(python: str) -> str:
    """Return the script that starts a Python worker; Spark copies it to every executor."""
    return f'#!/bin/sh\nexec {shlex.quote(python)} -m pipeline.engines.boot "$@" 2>> {WORKER_LOG}\n'
