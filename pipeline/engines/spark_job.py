"""Run one Spark job: a process of spark-submit that ends with this process, and its log."""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from pipeline.output.disk import held_locks
from pipeline.report.terminal import print_notes

LOG = "spark.log"
FAILURE = "failure.txt"
LAST_LINES = 400  # of a log: more than the trace of one error
CANCEL_SECONDS = 10.0
NOTE_SECONDS = 30.0
"""Time without executors after which a line says so. A cluster that is free starts them within seconds."""
NO_EXECUTORS = (
    "waiting: Spark has given the job no executors yet; other jobs may use all cores, or no worker has the memory "
    "(spark.executor.memory, 1g unless --spark_conf says otherwise)"
)


class SparkJob:
    """A job of Spark that was submitted.

    The process reads the end of its standard input when this process ends, and stops the job then. It also holds the lock of the output
    folder: after a `kill -9` of this process no other build starts there while the job still ends.

    Args:
        command: that of `submit_command`.
        folder: the folder of the job. It is removed at the end, except for the log of a job that failed.
        environment: environment variables of the command.
    """

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str]):
        self.folder = folder
        self.log = folder / LOG
        self.is_cancelled = False
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                start_new_session=True,  # Ctrl-C is for this process, which ends the job in order
                pass_fds=tuple(held_locks),
            )
        self._follower = threading.Thread(target=self._follow_states, name="spark-states", daemon=True)
        self._follower.start()

    def wait(self) -> int:
        """Wait for the end of the job; return its exit code."""
        code = self._process.wait()
        self._close()
        return code

    def poll(self) -> int | None:
        """Return the exit code, `None` while the job runs."""
        return self._process.poll()

    def cancel(self) -> None:
        """End the job, and wait until it has ended, at most `CANCEL_SECONDS`. Then its process is killed, and the master ends the rest."""
        self.is_cancelled = True
        self._end_input()
        try:
            self._process.wait(CANCEL_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def failure(self) -> tuple[str, list[str]]:
        """Return the messages of the error that ended the job, empty if there are none, and the last lines of its log."""
        path = self.folder / FAILURE
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        with self.log.open(encoding="utf-8", errors="replace") as log:
            return text, list(collections.deque(log, LAST_LINES))

    def remove_files(self, keep_log: bool) -> None:
        """Remove the folder of the job, or all of it but the log."""
        for path in () if not keep_log else self.folder.iterdir():
            if path != self.log:
                path.unlink()
        if not keep_log:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end_input(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _close(self) -> None:
        """Close the pipes of a process that has ended."""
        self._end_input()
        self._follower.join(1.0)  # a process that it started may still hold the other end

    def _follow_states(self) -> None:
        """Read the states that the job prints. Say so while the cluster gives it no executors."""
        note = threading.Timer(NOTE_SECONDS, print_notes, [[NO_EXECUTORS]])
        note.daemon = True
        assert self._process.stdout is not None
        with self._process.stdout as states:
            for line in states:
                if line.strip() == "laion-audio: connected":
                    note.start()
                elif line.strip() == "laion-audio: running":
                    note.cancel()
        note.cancel()
