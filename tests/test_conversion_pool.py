"""A conversion in another process gives what it gives in this one; a decoder that hangs, crashes or needs too much memory is stopped."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pipeline.machine.cores import n_cores
from pipeline.records import AudioLimits, Reason, Rejected
from tests.sounds import by_soundfile, encoded
from transforms.audio import conversion_pool as module
from transforms.audio.conversion_pool import (
    MEMORY_LIMIT,
    STDERR_TAIL_BYTES,
    TIMEOUT_SECONDS,
    ConversionError,
    ConversionPool,
    conversion_pool,
)
from transforms.audio.convert import convert
from transforms.audio.converted import Converted
from transforms.audio.excerpt import Excerpt

LIMITS = AudioLimits()
FULL = [Excerpt()]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def pool():
    made = ConversionPool(2)
    yield made
    made.close()


@pytest.fixture
def wav_path(tmp_path) -> Path:
    (tmp_path / "a.wav").write_bytes(encoded("wav_16"))
    return tmp_path / "a.wav"


@pytest.fixture
def endless(tmp_path) -> Path:
    """A file whose reading never ends."""
    os.mkfifo(tmp_path / "endless")
    return tmp_path / "endless"


@pytest.fixture(autouse=True)
def _remember_earlier_processes() -> None:
    EARLIER.clear()
    EARLIER.update(processes())


EARLIER: set[int] = set()


def processes() -> list[int]:
    """Return the conversion processes of this test, without those of the shared pool that other tests started."""
    listing = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True
    ).stdout
    running = [int(line.split()[0]) for line in listing.splitlines() if "conversion_pool import serve" in line]
    return [process for process in running if process not in EARLIER]


def test_results_equal_those_of_a_conversion_in_this_process(pool, tmp_path):
    for name in ("wav_24", "mp3", "m4a"):
        (tmp_path / name).write_bytes(encoded(name))
        excerpts = [Excerpt(), Excerpt(0.2, 0.7), Excerpt(5.0, 6.0)]
        here = convert(tmp_path / name, excerpts, LIMITS, tmp_path)
        there = pool.convert(tmp_path / name, excerpts, LIMITS, tmp_path)
        assert here[:2] == there[:2]
        assert isinstance(there[2], Rejected)
        assert there[2].args == here[2].args


def test_many_threads_share_at_most_the_given_number_of_processes(pool, wav_path, tmp_path):
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], range(24)))
    assert all(isinstance(result, Converted) for result in results)
    assert len({result.statistics.pcm_sha256 for result in results}) == 1
    assert 1 <= len(processes()) <= 2


def test_one_thread_uses_the_same_process_for_all_recordings(pool, wav_path, tmp_path):
    assert not processes()  # none is started before it is needed
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    (first,) = processes()
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    assert processes() == [first]


def test_a_decoder_that_hangs_becomes_a_timeout_and_the_next_recording_has_a_new_process(endless, tmp_path):
    pool = ConversionPool(1, seconds=1.5)
    results = pool.convert(endless, [Excerpt(0.0, 1.0), Excerpt(1.0, 2.0)], LIMITS, tmp_path)
    assert [(result.reason, result.detail) for result in results if isinstance(result, Rejected)] == [
        (Reason.TIMEOUT, "decoding did not end within 1.5 s")
    ] * 2
    assert not processes()
    (again,) = pool.convert(endless, FULL, LIMITS, tmp_path)  # the slot is free for another process
    assert isinstance(again, Rejected)
    assert again.reason is Reason.TIMEOUT
    pool.close()


@pytest.mark.parametrize(
    ("signal_", "reason", "words"),
    [
        (signal.SIGSEGV, Reason.CORRUPT, "crashed (SIGSEGV)"),
        (signal.SIGABRT, Reason.CORRUPT, "crashed (SIGABRT)"),
    ],
)
def test_a_decoder_that_ends_by_a_signal_rejects_its_own_recording_only(signal_, reason, words, endless, wav_path, tmp_path):
    pool = ConversionPool(1)
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    (process,) = processes()
    threading.Timer(0.3, os.kill, (process, signal_)).start()
    results = pool.convert(endless, [Excerpt(0.0, 1.0), Excerpt(1.0, 2.0)], LIMITS, tmp_path)
    for result in results:
        assert isinstance(result, Rejected)
        assert result.reason is reason
        assert words in result.detail
    assert len(results) == 2
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
    pool.close()


def kill_next(n_times: int) -> threading.Thread:
    """Kill the conversion processes that appear, so many of them, each a little after it started to work."""

    def kill() -> None:
        killed: set[int] = set()
        while len(killed) < n_times:
            for process in set(processes()) - killed:
                time.sleep(0.8)
                os.kill(process, signal.SIGKILL)
                killed.add(process)
            time.sleep(0.02)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_recording_whose_process_the_system_kills_is_converted_again(wav_path, tmp_path):
    pool = ConversionPool(2)
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    (process,) = processes()
    os.kill(process, signal.SIGKILL)
    time.sleep(0.2)
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
    assert not processes()  # nor does the one that was alone run on
    pool.close()


def test_a_recording_whose_process_is_killed_twice_is_tried_again_by_a_later_build(endless, wav_path, tmp_path):
    pool = ConversionPool(2)
    killer = kill_next(2)
    results = pool.convert(endless, [Excerpt(0.0, 1.0), Excerpt(1.0, 2.0)], LIMITS, tmp_path)
    killer.join()
    for result in results:
        assert isinstance(result, Rejected)
        assert result.reason is Reason.KILLED
        assert result.reason.transient
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
    pool.close()


def test_a_conversion_that_was_killed_waits_until_no_other_runs(endless, wav_path, tmp_path):
    pool = ConversionPool(2, seconds=3.0)
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    (process,) = processes()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(pool.convert, endless, FULL, LIMITS, tmp_path)
        time.sleep(0.2)
        os.kill(process, signal.SIGKILL)  # the slow conversion ends, and is begun alone
        began = time.monotonic()
        assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
        assert slow.result()[0].reason is Reason.TIMEOUT
        assert time.monotonic() - began > 2.0
    pool.close()


def bytes_of_an_idle_process() -> int:
    """Return the address space of a process that has imported the converter, and that of two allocator arenas."""
    program = (
        "import transforms.audio.conversion_pool, transforms.audio.convert\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmSize')))"
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout) << 10


def test_a_recording_that_needs_more_memory_than_allowed_is_rejected_and_the_next_is_converted(wav_path, tmp_path):
    many_channels = by_soundfile(np.full((70_000, 64), np.nan), 44_100, "WAV", "DOUBLE")  # takes over 100 MB to mix a block
    (tmp_path / "large").write_bytes(many_channels)
    limit = bytes_of_an_idle_process() + (40 << 20)
    pool = ConversionPool(1, memory_limit=limit)
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
    (process,) = processes()
    results = pool.convert(tmp_path / "large", [Excerpt(), Excerpt(0.1, 1.5)], LIMITS, tmp_path)
    for result in results:
        assert isinstance(result, Rejected)
        assert (result.reason, result.detail) == (Reason.LIMIT_EXCEEDED, f"decoding needs more than {limit >> 20} MB of memory")
    assert len(results) == 2
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
    assert processes() == [process]
    pool.close()
    generous = ConversionPool(1, memory_limit=limit + (500 << 20))
    (result,) = generous.convert(tmp_path / "large", FULL, LIMITS, tmp_path)
    assert isinstance(result, Rejected)
    assert result.reason is Reason.SILENT  # the values are all NaN
    generous.close()


def test_a_process_has_the_documented_limits_unless_others_are_given(pool, wav_path, tmp_path):
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    (process,) = processes()
    limits = Path(f"/proc/{process}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max address space"))
    assert line.split()[3:5] == [str(MEMORY_LIMIT), str(MEMORY_LIMIT)]
    words = (ROOT / "docs/audio.md").read_text()
    assert f"{TIMEOUT_SECONDS:g} s of wall-clock time" in words
    assert f"{MEMORY_LIMIT >> 30} GB" in words


def test_a_process_runs_one_thread_in_its_own_session_without_the_terminal(pool, wav_path, tmp_path):
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    (process,) = processes()
    assert len(list(Path(f"/proc/{process}/task").iterdir())) == 1
    assert os.getsid(process) == process  # Ctrl-C does not reach it
    assert [str(Path(f"/proc/{process}/fd/{number}").readlink()) for number in (0, 1)] == ["/dev/null"] * 2


def test_an_error_that_is_not_the_recordings_is_raised_with_the_end_of_stderr(pool, wav_path, tmp_path):
    with pytest.raises(ConversionError, match=r"(?s)^exit code 1: .*FileNotFoundError.*gone'$") as raised:
        pool.convert(tmp_path / "gone", FULL, LIMITS, tmp_path)
    assert len(str(raised.value)) <= STDERR_TAIL_BYTES + 20
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)


def test_an_interrupted_caller_leaves_no_answer_for_the_next(wav_path, endless, tmp_path):
    pool = ConversionPool(1)
    with pytest.raises(TypeError):
        pool.convert(wav_path, FULL, LIMITS, threading.Lock())  # cannot be sent
    assert not processes()
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
    pool.close()


def test_a_process_that_ended_while_it_was_idle_is_replaced_after_its_signal_is_reported(wav_path, tmp_path):
    pool = ConversionPool(1)
    pool.convert(wav_path, FULL, LIMITS, tmp_path)
    (process,) = processes()
    os.kill(process, signal.SIGSEGV)
    time.sleep(0.2)
    (result,) = pool.convert(wav_path, FULL, LIMITS, tmp_path)
    assert isinstance(result, Rejected)
    assert result.reason is Reason.CORRUPT
    assert isinstance(pool.convert(wav_path, FULL, LIMITS, tmp_path)[0], Converted)
    pool.close()


def test_there_is_a_conversion_process_for_each_core_that_this_process_may_use():
    assert conversion_pool()._n_processes == n_cores()


def test_the_shared_pool_is_one_for_this_process():
    assert conversion_pool() is conversion_pool()


def test_threads_that_ask_at_the_same_time_share_one_pool(monkeypatch):
    made = []
    monkeypatch.setattr(module, "machine_slots", lambda: made.append(time.sleep(0.05)))
    module._pool_of.cache_clear()
    start, pools = threading.Barrier(4), []

    def ask():
        start.wait()
        pools.append(conversion_pool())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    module._pool_of.cache_clear()
    assert (len(pools), len(set(map(id, pools))), len(made)) == (4, 1, 1)


def test_processes_end_with_their_parent_even_if_it_is_killed(wav_path, tmp_path):
    program = (
        "import pathlib, subprocess, os, time\n"
        "from pipeline.records import AudioLimits\nfrom transforms.audio.conversion_pool import conversion_pool\n"
        "from transforms.audio.excerpt import Excerpt\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "conversion_pool().convert(folder / 'a.wav', [Excerpt()], AudioLimits(), folder)\n"
        "print(subprocess.run(['ps', '-o', 'pid=', '--ppid', str(os.getpid())], capture_output=True, text=True).stdout, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(pid) for pid in re.findall(r"\d+", parent.stdout.readline() + parent.stdout.readline())]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert children
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/cmdline").exists() and b"conversion" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


CONVERT_MANY = """
import os, pathlib, sys, threading
from pipeline.records import AudioLimits
from transforms.audio import conversion_pool as module
from transforms.audio.core_slots import CoreSlots
from transforms.audio.excerpt import Excerpt
folder = pathlib.Path(sys.argv[1])
class Seen(module.ConversionPool):
    def _ask(self, process, request):
        mine = folder / "now" / f"{os.getpid()}-{threading.get_ident()}"
        mine.touch()
        try:
            with open(folder / "counts", "a") as counts:
                print(len(os.listdir(folder / "now")), file=counts)
            return super()._ask(process, request)
        finally:
            mine.unlink()
pool = Seen(2, slots=CoreSlots(folder / "slots", [0, 1]))
work = lambda: [pool.convert(folder / "a.wav", [Excerpt()], AudioLimits(), folder) for _ in range(6)]
threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
pool.close()
"""


def test_two_processes_together_run_one_conversion_a_core(wav_path, tmp_path):
    (tmp_path / "now").mkdir()
    wav_path.rename(tmp_path / "a.wav")
    processes = [subprocess.Popen([sys.executable, "-c", CONVERT_MANY, str(tmp_path)]) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    counts = [int(line) for line in (tmp_path / "counts").read_text().split()]
    assert len(counts) == 24
    assert max(counts) <= 2
