"""Find Beam's engine Prism on this machine, and run it for as long as this process runs. Nothing is downloaded."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam

from pipeline.engines import with_parent

GET_PRISM = (
    f"install it with `go install github.com/apache/beam/sdks/v2/go/cmd/prism@v{apache_beam.__version__}`, "
    "or name its file with --prism_location=FILE"
)
START_SECONDS = 30.0


def find_prism(location: str | None = None) -> Path:
    """Return the program Prism: the given file, else `prism` on PATH or where `go install` puts programs.

    Raises:
        FileNotFoundError: there is none; the message says how to get it.
    """
    if location is not None:
        if not is_prism(Path(location)):
            raise FileNotFoundError(f"--prism_location={location} is not the program Prism; {GET_PRISM}")
        return Path(location)
    program = next((path for path in _places() if is_prism(path)), None)
    if program is None:
        raise FileNotFoundError(f"Prism is not on PATH, and not in the folder of programs of Go; {GET_PRISM}")
    return program


def _places() -> Iterator[Path]:
    on_path = shutil.which("prism")
    if on_path:
        yield Path(on_path)
    if "GOBIN" in os.environ:
        yield Path(os.environ["GOBIN"]) / "prism"
    for folder in os.environ.get("GOPATH", str(Path.home() / "go")).split(os.pathsep):
        yield Path(folder) / "bin" / "prism"


def is_prism(path: Path) -> bool:
    """Return whether a file is Beam's Prism: other programs have the same name."""
    if not path.is_file() or not os.access(path, os.X_OK):
        return False
    try:
        shown = subprocess.run([path, "-help"], capture_output=True, timeout=START_SECONDS, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"job_port" in shown.stdout + shown.stderr


@functools.cache
def prism_endpoint(program: Path) -> str:
    """Start Prism, once in a process, and return `host:port` of its job service; it ends when this process ends.

    Raises:
        ConnectionError: it ended, or does not answer.
    """
    port = free_port()
    log = tempfile.TemporaryFile()
    command = [str(program), f"-job_port={port}", "-serve_http=false", "-log_kind=text", "-log_level=warn"]
    process = subprocess.Popen([sys.executable, with_parent.__file__, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    atexit.register(_end, process)
    until = time.monotonic() + START_SECONDS
    while not answers("localhost", port):
        if process.poll() is not None or time.monotonic() > until:
            _end(process)
            log.seek(0)
            raise ConnectionError(f"{program} does not start: {log.read().decode(errors='replace').strip() or 'no answer'}")
        time.sleep(0.02)
    return f"localhost:{port}"


def answers(host: str, port: int, seconds: float = 1.0) -> bool:
    """Return whether something listens at a port."""
    try:
        socket.create_connection((host, port), seconds).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
