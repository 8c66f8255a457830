"""Kill a part of an engine in the middle of a build; then the same command must give the bytes of the reference, and leave no process."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from tests.engine_builds import BUILD_SECONDS, Built, build, command_of, compare, start
from tests.engine_lines import BY_NAME, Line, Setup
from tests.engine_servers import end_group
from tests.engine_set import BEFORE, EngineSet
from tests.fates import appeared

SHELLS = {"sh", "bash", "dash"}
STALLED_SECONDS = 60.0
"""Seconds without an end after which a build is stopped by Ctrl-C, as its user would, where the engine notices no fault."""
GONE_SECONDS = 15.0
"""Seconds in which the processes of a build that ended must be gone."""


@dataclass(frozen=True)
class Fault:
    """A fault: the line that it happens on, options besides those of the line, and which process is killed.

    `victim` returns the processes that may be killed, from that of the build and those below it, and of the pool of workers. With
    `stalls` the engine may not notice the fault: the build is then stopped by Ctrl-C.
    """

    name: str
    line: str
    what: str
    victim: Callable[[psutil.Process, Setup], list[psutil.Process]]
    options: tuple[str, ...] = ()
    stalls: bool = False


@dataclass(frozen=True)
class FaultResult:
    """What a fault led to: the exit code of the build that met it, and differences after the same command ran again."""

    fault: Fault
    exit_code: int | None = None
    differences: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def verdict(self) -> str:
        """The last column of the table."""
        return f"skipped: {self.skipped}" if self.skipped else "no" if self.differences else "yes"


def _driver(driver: psutil.Process, _: Setup) -> list[psutil.Process]:
    return [driver]


def _worker_of_driver(driver: psutil.Process, _: Setup) -> list[psutil.Process]:
    return workers_below(driver)


def _worker_of_pool(_: psutil.Process, setup: Setup) -> list[psutil.Process]:
    return workers_below(psutil.Process(setup.pool))


def _prism(driver: psutil.Process, _: Setup) -> list[psutil.Process]:
    return [process for process in driver.children(recursive=True) if process.name() == "prism"]


def workers_below(process: psutil.Process) -> list[psutil.Process]:
    """Return the Python processes of Beam's workers below a process, without the shells that started them."""
    commands = ((child, _command(child)) for child in process.children(recursive=True))
    return [child for child, words in commands if "sdk_worker" in " ".join(words) and Path(words[0]).name not in SHELLS]


def _command(process: psutil.Process) -> list[str]:
    """Return the command of a process as words; none of one that has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


FAULTS = (
    Fault("worker-of-processes", "processes", "a worker process killed", _worker_of_driver),
    Fault("worker-of-pool", "worker-pool", "a worker of the pool killed", _worker_of_pool, stalls=True),
    Fault("worker-of-prism", "prism", "the worker process killed", _worker_of_driver, ("--experiments=use_loopback_process_worker=true",)),
    Fault("prism-itself", "prism", "Prism killed", _prism),
    Fault("driver-of-job-service", "job-service", "the command killed (kill -9)", _driver),
    Fault("driver-of-prism", "prism", "the command killed (kill -9)", _driver),
)
BY_FAULT = {fault.name: fault for fault in FAULTS}


def run_fault(fault: Fault, made: EngineSet, expected: Built) -> FaultResult:
    """Kill a process in the middle of a build, run the same command again, and compare with the reference."""
    line = BY_NAME[fault.line]
    if skipped := line.missing():
        return FaultResult(fault, skipped=skipped)
    made.use(BEFORE)
    with tempfile.TemporaryDirectory(prefix=f"engines-{fault.name}-") as name:
        try:
            return _run(fault, line, made, expected, Path(name))
        except (OSError, RuntimeError) as error:  # a server does not start: the other faults go on
            return FaultResult(fault, differences=(f"{type(error).__name__}: {error}",))


def _run(fault: Fault, line: Line, made: EngineSet, expected: Built, folder: Path) -> FaultResult:
    with line.open(folder) as opened:
        setup = replace(opened, options=(*opened.options, *fault.options))
        process = start(command_of(setup, made), setup, folder / "first.txt")
        differing: list[str] = []
        try:
            below = _kill_in_the_middle(fault, process.pid, setup)
            _wait(process, fault.stalls)
            differing += [f"still running: {left}" for left in _left(below)]
        except (TimeoutError, subprocess.TimeoutExpired, psutil.Error) as error:
            differing.append(str(error))
        finally:
            end_group(process)
        again = build(setup, made, folder)
        differing += [text for text in compare(expected, again) if not text.startswith("books, built")]
    return FaultResult(fault, process.returncode, tuple(differing))


def _kill_in_the_middle(fault: Fault, pid: int, setup: Setup) -> list[psutil.Process]:
    """Kill the victim when the first shard is published; return the processes below the build."""
    driver, until = psutil.Process(pid), time.monotonic() + BUILD_SECONDS
    while not appeared(Path(setup.output), "*/*/*_stats.json"):
        if not driver.is_running() or driver.status() == psutil.STATUS_ZOMBIE or time.monotonic() > until:
            raise TimeoutError("the build ended before its first shard")
        time.sleep(0.005)
    below = driver.children(recursive=True)
    victims = fault.victim(driver, setup)
    if not victims:
        raise TimeoutError(f"no process to kill: {[_command(process)[:4] for process in below]}")
    victims[0].kill()
    return below


def _wait(process: subprocess.Popen, stalls: bool) -> None:
    """Wait until a build has ended; stop one that stalls by Ctrl-C."""
    try:
        process.communicate(timeout=STALLED_SECONDS if stalls else BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        if not stalls:
            raise
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=STALLED_SECONDS)


def _left(processes: list[psutil.Process]) -> Iterator[str]:
    """Yield the processes that have not ended after some seconds, and end them."""
    _, alive = psutil.wait_procs(processes, timeout=GONE_SECONDS)
    for process in alive:
        yield " ".join(_command(process))[:200] or f"process {process.pid}"
        process.kill()
