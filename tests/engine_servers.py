"""Start the programs that engines need, on free ports, and end them with all processes below them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.engines.prism_program import answers, free_port

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0  # Beam takes seconds to import, and longer beside other work
JOB_SERVICE = "apache_beam.runners.portability.local_job_service_main"
WORKER_POOL = "apache_beam.runners.worker.worker_pool_main"


def environment() -> dict[str, str]:
    """Return the environment of builds and servers: Beam starts workers as `python`, and they use the code of this checkout."""
    return os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@contextlib.contextmanager
def job_service() -> Iterator[str]:
    """Run Beam's job service; yield its `host:port`."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with server([sys.executable, "-m", JOB_SERVICE, "--job_port", str(port), "--staging_dir", folder], port):
            yield f"localhost:{port}"


@contextlib.contextmanager
def worker_pool() -> Iterator[tuple[str, int]]:
    """Run Beam's pool of workers, which starts a Python process for every worker; yield its `host:port` and process id."""
    port = free_port()
    with server([sys.executable, "-m", WORKER_POOL, "--service_port", str(port)], port) as process:
        yield f"localhost:{port}", process.pid


@contextlib.contextmanager
def server(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own until the context ends; wait until its port answers."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment(), start_new_session=True)
        try:
            until = time.monotonic() + START_SECONDS
            while not answers("localhost", port):
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise RuntimeError(f"{' '.join(command)} does not start: {log.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.05)
            yield process
        finally:
            end_group(process)


def end_group(process: subprocess.Popen) -> None:
    """Kill a process that leads its group, and the group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
