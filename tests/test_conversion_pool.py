"""Conversion elsewhere gives what conversion here gives; what hangs is stopped, what crashes is survived, bugs are loud."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.records import AudioLimits, Reason, Rejected
from tests.sounds import encoded
from transforms.audio.conversion_pool import ConversionError, ConversionPool
from transforms.audio.convert import Converted, convert
from transforms.audio.excerpt import Excerpt

LIMITS = AudioLimits()
WHOLE = [Excerpt()]


@pytest.fixture
def pool():
    made = ConversionPool(2)
    yield made
    made.close()


@pytest.fixture
def endless(tmp_path) -> Path:
    """A file whose reading never ends."""
    os.mkfifo(tmp_path / "endless")
    return tmp_path / "endless"


@pytest.fixture(autouse=True)
def _earlier() -> None:
    EARLIER.clear()
    EARLIER.update(helpers())


EARLIER: set[int] = set()


def helpers() -> list[int]:
    """Return the conversion processes of this test, without those that other tests of this process keep for later."""
    found = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True).stdout
    running = [int(line.split()[0]) for line in found.splitlines() if "conversion_pool import serve" in line]
    return [process for process in running if process not in EARLIER]


def test_the_same_comes_out_as_without_a_process(pool, tmp_path):
    for name in ("wav_24", "mp3", "m4a"):
        (tmp_path / name).write_bytes(encoded(name))
        excerpts = [Excerpt(), Excerpt(0.2, 0.7), Excerpt(5.0, 6.0)]
        here = convert(tmp_path / name, excerpts, LIMITS, tmp_path)
        there = pool.convert(tmp_path / name, excerpts, LIMITS, tmp_path)
        assert here[:2] == there[:2]
        assert isinstance(there[2], Rejected)
        assert there[2].args == here[2].args


def test_many_threads_share_a_few_processes(pool, tmp_path):
    (tmp_path / "a").write_bytes(encoded("flac_24"))
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: pool.convert(tmp_path / "a", WHOLE, LIMITS, tmp_path)[0], range(24)))
    assert all(isinstance(result, Converted) for result in results)
    assert len({result.statistics.pcm_sha256 for result in results}) == 1
    assert len(helpers()) <= 2


def test_a_decoder_that_hangs_becomes_a_timeout_and_the_next_clip_is_made(endless, tmp_path):
    pool = ConversionPool(1, seconds=1.5)
    (tmp_path / "a").write_bytes(encoded("wav_16"))
    hung = pool.convert(endless, [Excerpt(0.0, 1.0), Excerpt(1.0, 2.0)], LIMITS, tmp_path)
    assert [result.reason for result in hung if isinstance(result, Rejected)] == [Reason.TIMEOUT] * 2
    patient = ConversionPool(1)
    assert isinstance(patient.convert(tmp_path / "a", WHOLE, LIMITS, tmp_path)[0], Converted)
    pool.close()
    patient.close()
    assert not helpers()


@pytest.mark.parametrize(("signal_", "reason"), [(signal.SIGSEGV, Reason.CORRUPT), (signal.SIGKILL, Reason.LIMIT_EXCEEDED)])
def test_a_decoder_that_crashes_costs_its_own_clip_only(signal_, reason, endless, tmp_path):
    pool = ConversionPool(1)
    (tmp_path / "a").write_bytes(encoded("wav_16"))
    pool.convert(tmp_path / "a", WHOLE, LIMITS, tmp_path)
    (process,) = helpers()
    threading.Timer(0.3, os.kill, (process, signal_)).start()
    (result,) = pool.convert(endless, WHOLE, LIMITS, tmp_path)
    assert isinstance(result, Rejected)
    assert result.reason is reason
    assert isinstance(pool.convert(tmp_path / "a", WHOLE, LIMITS, tmp_path)[0], Converted)
    pool.close()


def test_a_fault_that_is_not_the_recordings_is_loud(pool, tmp_path):
    with pytest.raises(ConversionError, match="FileNotFoundError"):
        pool.convert(tmp_path / "gone", WHOLE, LIMITS, tmp_path)


def test_processes_end_with_their_parent_even_if_it_is_killed(tmp_path):
    (tmp_path / "a").write_bytes(encoded("wav_16"))
    program = (
        "import pathlib, subprocess, os, time\n"
        "from transforms.audio.conversion_pool import conversion_pool\nfrom pipeline.records import AudioLimits\n"
        "from transforms.audio.excerpt import Excerpt\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        "conversion_pool().convert(place / 'a', [Excerpt()], AudioLimits(), place)\n"
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
