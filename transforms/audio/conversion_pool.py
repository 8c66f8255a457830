"""Conversion in processes of its own: a decoder that hangs can be stopped, one that crashes harms nobody, none holds the GIL.

Threads cannot be killed, and PyAV keeps the interpreter's lock for most of its work: threads decode at 1.5 times the speed
of one at best. A process a core, started when first needed, gives both. It ends when the pipe to its parent does.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import queue
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.records import AudioLimits, Reason, Rejected
from transforms.audio.convert import Converted, convert
from transforms.audio.excerpt import Excerpt

SECONDS = 300.0  # on the clock for one recording: forty times what two hours of sound take on one busy core
MEMORY = 4 << 30  # bytes of address space a process may take
CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL}
PROGRAM = (
    "import os, sys; os.environ |= {'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1'}; sys.path[:] = sys.argv[2].split(os.pathsep); "
    "from transforms.audio.conversion_pool import serve_from; serve_from(int(sys.argv[1]))"
)
"""What a process runs. It sets its own environment: to copy that of the parent is not safe while other threads change it."""


class ConversionError(Exception):
    """A conversion process ended for a reason that is not the recording's; the words are its own last ones."""


class ConversionPool:
    """At most `n_processes` conversions at once, for any number of threads.

    Args:
        seconds: on the clock, for one recording.
    """

    def __init__(self, n_processes: int, seconds: float = SECONDS):
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Process | None] = queue.LifoQueue()  # last in, first out: the warm ones first
        for _ in range(n_processes):
            self._idle.put(None)

    def convert(self, path: Path, excerpts: Sequence[Excerpt], limits: AudioLimits, place: Path) -> list[Converted | Rejected]:
        """Do as `transforms.convert.convert`; all excerpts of a recording whose decoder hangs or crashes are rejected.

        Raises:
            ConversionError: the process failed in a way that no recording should make it fail.
        """
        with self._borrowed() as process:
            if not process.ask((path, excerpts, limits, place), self._seconds):
                process.stop()
                return [Rejected(Reason.TIMEOUT, f"no result after {self._seconds:g} s of decoding") for _ in excerpts]
            answer = process.answer()
        if isinstance(answer, int):
            if answer in CRASHES:
                return [Rejected(Reason.CORRUPT, f"the decoder crashed ({signal.Signals(-answer).name})") for _ in excerpts]
            if answer == -signal.SIGKILL:
                return [Rejected(Reason.LIMIT_EXCEEDED, "the system ended the decoder, as it does when memory is short") for _ in excerpts]
            raise ConversionError(f"exit code {answer}: {process.last_words}")
        return answer

    def close(self) -> None:
        """End the processes that are idle."""
        with contextlib.suppress(queue.Empty):
            while True:
                process = self._idle.get_nowait()
                if process is not None:
                    process.stop()

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[_Process]:
        process = self._idle.get()
        try:
            if process is None or not process.alive:
                process = _Process()
            yield process
        except BaseException:  # whoever asked is gone, and the answer must not reach the next
            if process is not None:
                process.stop()
            raise
        finally:
            self._idle.put(process if process is not None and process.alive else None)


class _Process:
    """The parent's end of one conversion process."""

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        self._stderr = tempfile.TemporaryFile()
        paths = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(theirs.fileno()), paths],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,  # Ctrl-C is for the parent, which lets what was begun end
        )
        theirs.close()
        self.alive = True
        self.last_words = ""

    def ask(self, request: tuple[Path, Sequence[Excerpt], AudioLimits, Path], seconds: float) -> bool:
        """Send a request and return whether there is an answer, or an end, within so many seconds."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended meanwhile; `answer` finds out how
            self._pipe.send(request)
        return self._pipe.poll(seconds)

    def answer(self) -> list[Converted | Rejected] | int:
        """Return the answer, or the exit code of a process that ended instead."""
        try:
            results: list[Converted | Rejected] = self._pipe.recv()
            return results
        except (EOFError, ConnectionResetError):
            code = self._process.wait()
            self.stop()
            return code

    def stop(self) -> None:
        """End it, whatever it does, and keep the end of what it wrote to stderr."""
        self.alive = False
        self._pipe.close()
        self._process.kill()
        self._process.wait()
        if self._stderr.closed:
            return
        with self._stderr:
            self._stderr.seek(0)
            self.last_words = self._stderr.read()[-2000:].decode(errors="replace").strip()


def conversion_pool() -> ConversionPool:
    """Return the pool of this process, one conversion a core: cores are shared by all shards and threads, and so is it."""
    return _pool_of(os.getpid())  # a forked child must not talk into its parent's pipes


@functools.cache
def _pool_of(pid: int) -> ConversionPool:
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool = ConversionPool(n_cores)
    atexit.register(pool.close)
    return pool


def serve(pipe: Connection) -> None:
    """Answer requests until the parent is gone."""
    with contextlib.suppress(ValueError, OSError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while True:
        try:
            path, excerpts, limits, place = pipe.recv()
        except EOFError:
            return
        try:
            results = convert(path, excerpts, limits, place)
        except MemoryError:
            results = [Rejected(Reason.LIMIT_EXCEEDED, f"decoding takes more than {MEMORY >> 30} GB of memory") for _ in excerpts]
        pipe.send(results)


def serve_from(descriptor: int) -> None:
    """Answer requests that come through an inherited file descriptor."""
    serve(Connection(descriptor))
