"""Convert recordings in other processes. A decoder that hangs can be stopped there, and one that crashes ends no other work.

Threads cannot be killed, and PyAV holds the interpreter's lock for most of its work: two threads decode only 1.5 times as fast
as one. A process is started when it is first needed. It ends when the pipe to its parent is closed.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import queue
import resource
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.machine.cores import n_cores
from pipeline.records import AudioLimits, Reason, Rejected
from transforms.audio.converted import Converted
from transforms.audio.core_slots import CoreSlots, machine_slots
from transforms.audio.excerpt import Excerpt
from transforms.audio.shared_flac import open_shared_file, put_flac, take_flac

TIMEOUT_SECONDS = 300.0  # of wall-clock time for a recording: forty times what two hours of audio take on one busy core
MEMORY_LIMIT = 4 << 30  # bytes of address space of a process
CRASH_SIGNALS = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL})
STDERR_TAIL_BYTES = 2000
PROGRAM = (
    "import os, sys; os.environ |= {'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1'}; sys.path[:] = sys.argv[3].split(os.pathsep); "
    "from transforms.audio.conversion_pool import serve; serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4]))"
)
"""What a process runs. It sets its environment itself: copying the parent's is not safe while other threads change it."""


Request = tuple[Path, Sequence[Excerpt], AudioLimits, Path]
"""The arguments of `convert`."""


class ConversionError(Exception):
    """A conversion process failed, and not because of the recording. The message holds its exit code and the end of its stderr."""


class ConversionPool:
    """Converts in at most `n_processes` processes at once, for any number of threads.

    Args:
        n_processes: how many conversions may run at the same time.
        seconds: of wall-clock time that the conversion of a recording may take.
        memory_limit: bytes of address space that a process may use.
        slots: of the machine, one of which is held during each conversion; `None`: other processes are not asked.
    """

    def __init__(
        self,
        n_processes: int,
        seconds: float = TIMEOUT_SECONDS,
        memory_limit: int = MEMORY_LIMIT,
        slots: CoreSlots | None = None,
    ):
        self._seconds = seconds
        self._memory_limit = memory_limit
        self._n_processes = n_processes
        self._slots = slots
        self._alone = threading.Lock()  # held by the one conversion that runs while no other does
        self._idle: queue.LifoQueue[_ConversionProcess | None] = queue.LifoQueue()  # last in, first out: running processes first
        for _ in range(n_processes):
            self._idle.put(None)

    def convert(self, path: Path, excerpts: Sequence[Excerpt], limits: AudioLimits, folder: Path) -> list[Converted | Rejected]:
        """Do the same as `transforms.audio.convert.convert`, in another process.

        All excerpts are rejected with `timeout` when the decoder hangs, `corrupt` when it crashes, `limit_exceeded` when it
        needs more memory than it may use. When the system kills the process, the recording is converted again while no other one
        is; `killed` when that process is killed too.

        Raises:
            ConversionError: the process failed, and not because of the recording.
        """
        request = (path, excerpts, limits, folder)
        with self._borrow_process() as process, self._slots.a_slot() if self._slots else contextlib.nullcontext():
            answer = self._ask(process, request)
        if answer == -signal.SIGKILL:
            with self._borrow_all() as process:
                answer = self._ask(process, request)
        if not isinstance(answer, int):
            return answer
        if -answer in CRASH_SIGNALS:
            return [Rejected(Reason.CORRUPT, f"the decoder crashed ({signal.Signals(-answer).name})") for _ in excerpts]
        if -answer == signal.SIGKILL:
            return [Rejected(Reason.KILLED, "the system killed the decoder twice, as it does when memory is short") for _ in excerpts]
        raise ConversionError(f"exit code {answer}: {process.stderr_tail}")

    def _ask(self, process: _ConversionProcess, request: Request) -> list[Converted | Rejected] | int:
        """Return the answer of a process, or its exit code if it has ended. A process that takes too long is stopped."""
        if process.send(request, self._seconds):
            return process.receive()
        process.stop()
        return [Rejected(Reason.TIMEOUT, f"decoding did not end within {self._seconds:g} s") for _ in request[1]]

    def close(self) -> None:
        """Stop the idle processes."""
        with contextlib.suppress(queue.Empty):
            while True:
                process = self._idle.get_nowait()
                if process is not None:
                    process.stop()

    @contextlib.contextmanager
    def _borrow_process(self) -> Iterator[_ConversionProcess]:
        process = self._idle.get()
        try:
            if process is None:
                process = _ConversionProcess(self._memory_limit)
            yield process
        except BaseException:  # the caller does not read the answer, and the next caller must not get it
            if process is not None:
                process.stop()
            raise
        finally:
            self._idle.put(process if process is not None and process.is_running else None)

    @contextlib.contextmanager
    def _borrow_all(self) -> Iterator[_ConversionProcess]:
        """Wait until no conversion runs, stop all processes, and start one that has the memory of the machine for itself."""
        with self._alone:
            borrowed = [self._idle.get() for _ in range(self._n_processes)]
            process = None
            try:
                for idle in filter(None, borrowed):
                    idle.stop()
                with self._slots.all_slots() if self._slots else contextlib.nullcontext():  # other processes wait too
                    process = _ConversionProcess(self._memory_limit)
                    yield process
            finally:
                if process is not None:
                    process.stop()
                for _ in borrowed:
                    self._idle.put(None)


class _ConversionProcess:
    """One conversion process, as its parent sees it."""

    def __init__(self, memory_limit: int) -> None:
        self._pipe, child_end = Pipe()
        self._flac = open_shared_file()
        self._stderr = tempfile.TemporaryFile()
        paths = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(child_end.fileno()), str(memory_limit), paths, str(self._flac)],
            pass_fds=[child_end.fileno(), self._flac],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,  # Ctrl-C is for the parent, which lets conversions finish
        )
        child_end.close()
        self._answers = select.poll()  # made once: `Connection.poll` makes a selector for each call
        self._answers.register(self._pipe.fileno(), select.POLLIN)
        self.is_running = True
        self.stderr_tail = ""

    def send(self, request: Request, seconds: float) -> bool:
        """Send the arguments of `convert`; return whether the process answers or ends within `seconds`."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended; `receive` returns its exit code
            self._pipe.send(request)
        return bool(self._answers.poll(seconds * 1000))

    def receive(self) -> list[Converted | Rejected] | int:
        """Return the results, or the exit code of a process that has ended."""
        try:
            results, sizes = self._pipe.recv()
            return take_flac(results, sizes, self._flac)
        except (EOFError, ConnectionResetError):
            exit_code = self._process.wait()
            self.stop()
            return exit_code

    def stop(self) -> None:
        """Kill the process if it runs, and read the end of its stderr; a second call does nothing."""
        if not self.is_running:
            return
        self.is_running = False
        self._pipe.close()
        os.close(self._flac)
        self._process.kill()
        self._process.wait()
        with self._stderr:
            self._stderr.seek(0)
            self.stderr_tail = self._stderr.read()[-STDERR_TAIL_BYTES:].decode(errors="replace").strip()


def conversion_pool() -> ConversionPool:
    """Return the pool that all shards and threads of this process share.

    All processes of a user on a machine together run one conversion a core.
    """
    with _making:  # threads that ask at the same time get one pool, and the machine one process a core
        return _pool_of(os.getpid())  # a forked child must not use the pipes of its parent


_making = threading.Lock()


@functools.cache
def _pool_of(pid: int) -> ConversionPool:
    pool = ConversionPool(n_cores(), slots=machine_slots())
    atexit.register(pool.close)
    return pool


def serve(descriptor: int, memory_limit: int, shared_file: int) -> None:
    """Answer the requests that arrive at an inherited file descriptor, until the parent closes its end.

    Args:
        descriptor: of a `multiprocessing` connection.
        memory_limit: bytes of address space that this process may use.
        shared_file: descriptor of the file for FLAC.
    """
    from transforms.audio.convert import convert  # and the decoders, which only conversion processes need

    pipe = Connection(descriptor)
    with contextlib.suppress(ValueError, OSError):  # some systems do not have this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
    while True:
        try:
            path, excerpts, limits, folder = pipe.recv()
        except EOFError:
            return
        try:
            results = convert(path, excerpts, limits, folder)
        except MemoryError:
            detail = f"decoding needs more than {memory_limit >> 20} MB of memory"
            results = [Rejected(Reason.LIMIT_EXCEEDED, detail) for _ in excerpts]
        pipe.send(put_flac(results, shared_file))
