"""List the engines that `make engines` compares: what each needs, how its servers start, and which options a build is given."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import fsspec

from pipeline.engines.prism_program import GET_PRISM, find_prism
from tests.engine_servers import environment, job_service, worker_pool
from tests.spark_cluster import QUICK_START, spark_cluster
from tests.spark_cluster import missing as spark_missing
from tests.stores import Store, gs_store, s3_store

REFERENCE = "local"


@dataclass(frozen=True)
class Setup:
    """Where and how a line builds: options of the engine, output folder, variables for the process, and process id of a pool."""

    options: tuple[str, ...] = ()
    output: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    pool: int = 0

    def files(self) -> dict[str, bytes]:
        """Return the content of every file of the output folder, by its name."""
        system, _ = fsspec.core.url_to_fs(self.output)
        system.invalidate_cache()
        files = fsspec.get_mapper(self.output)
        return {name: files[name] for name in files}


@dataclass(frozen=True)
class Line:
    """One engine of the table.

    `command` is what a user types after `laion-audio build RECIPE --output DIR`. `missing` returns what this machine lacks, empty if
    nothing. `open` starts servers, and yields how to build into an empty folder.
    """

    name: str
    what: str
    command: str
    missing: Callable[[], str]
    open: Callable[[Path], AbstractContextManager[Setup]]
    is_cheap: bool = False


def _nothing() -> str:
    return ""


def _local(*options: str, address: str = "", environment: dict[str, str] | None = None) -> Callable[[Path], AbstractContextManager[Setup]]:
    @contextlib.contextmanager
    def opened(folder: Path) -> Iterator[Setup]:
        yield Setup(options, f"{address}{folder / 'set'}", environment or {})

    return opened


@contextlib.contextmanager
def _job_service(folder: Path) -> Iterator[Setup]:
    with job_service() as endpoint:
        yield Setup(("--runner", "PortableRunner", f"--job_endpoint={endpoint}"), str(folder / "set"))


@contextlib.contextmanager
def _external(folder: Path) -> Iterator[Setup]:
    with job_service() as endpoint, worker_pool() as (pool, process):
        workers = ("--environment_type=EXTERNAL", f"--environment_config={pool}")
        yield Setup(("--runner", "PortableRunner", f"--job_endpoint={endpoint}", *workers), str(folder / "set"), pool=process)


def _prism_missing() -> str:
    try:
        find_prism()
    except FileNotFoundError:
        return GET_PRISM
    return ""


@contextlib.contextmanager
def _spark_cluster(folder: Path) -> Iterator[Setup]:
    with spark_cluster(n_workers=2, environment=environment() | QUICK_START) as cluster:
        yield Setup(("--runner", "SparkRunner", f"--spark_master={cluster.master}"), str(folder / "set"), QUICK_START)


def needs(*modules: str) -> Callable[[], str]:
    """Return a function that says which of these modules are not installed; empty if all are."""

    def missing() -> str:
        absent = [name for name in modules if importlib.util.find_spec(name) is None]
        return f"not installed: {', '.join(absent)}" if absent else ""

    return missing


def _store(start: Callable[[], AbstractContextManager[Store]], *options: str) -> Callable[[Path], AbstractContextManager[Setup]]:
    @contextlib.contextmanager
    def opened(folder: Path) -> Iterator[Setup]:
        with start() as store:
            yield Setup(options, store.root, store.environment)

    return opened


PORTABLE = "--runner PortableRunner --job_endpoint=HOST:PORT"
LINES = (
    Line(REFERENCE, "threads of this machine", "", _nothing, _local()),
    Line("in_memory", "one thread", "--direct_running_mode=in_memory", _nothing, _local("--direct_running_mode=in_memory")),
    Line(
        "processes",
        "2 processes of this machine",
        "--workers 2 --direct_running_mode=multi_processing",
        _nothing,
        _local("--workers", "2", "--direct_running_mode=multi_processing"),
    ),
    Line("repeated", "every task runs twice", "--direct_runner_bundle_repeat=2", _nothing, _local("--direct_runner_bundle_repeat=2")),
    Line("file", "an address of a folder", "", _nothing, _local(address="file://")),
    Line("job-service", "Beam's job service, LOOPBACK", PORTABLE, _nothing, _job_service, is_cheap=True),
    Line(
        "worker-pool",
        "Beam's job service, a pool of worker processes",
        f"{PORTABLE} --environment_type=EXTERNAL --environment_config=HOST:PORT",
        _nothing,
        _external,
    ),
    Line("prism", "Prism, LOOPBACK", "--runner PrismRunner", _prism_missing, _local("--runner", "PrismRunner")),
    Line(
        "spark-local",
        "Spark in one process, local[2]",
        "--runner SparkRunner --spark_master='local[2]'",
        spark_missing,
        _local("--runner", "SparkRunner", "--spark_master=local[2]", environment=QUICK_START),
    ),
    Line(
        "spark-cluster",
        "Spark standalone, master and 2 workers",
        "--runner SparkRunner --spark_master=spark://HOST:7077",
        spark_missing,
        _spark_cluster,
    ),
    Line("s3", "an S3 store (moto), threads", "", needs("s3fs", "moto"), _store(s3_store), is_cheap=True),
    Line(
        "s3-processes",
        "an S3 store (moto), 2 processes",
        "--workers 2 --direct_running_mode=multi_processing",
        needs("s3fs", "moto"),
        _store(s3_store, "--workers", "2", "--direct_running_mode=multi_processing"),
    ),
    Line("gs", "a Google Cloud store (emulator), threads", "", needs("gcsfs", "gcp_storage_emulator"), _store(gs_store)),
)
BY_NAME = {line.name: line for line in LINES}
