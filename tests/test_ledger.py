"""A ledger counts what processes began, whatever became of them, and never begins anew without being asked to."""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.failures import explain
from pipeline.output.damage import DamagedFileError
from tests.test_budgets import Clock
from transforms.fetching.limits import ledger as module
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.limits.ledger import Ledger, open_ledger
from transforms.fetching.limits.windows import Closed

ROOT = Path(__file__).parent.parent
HOURLY = HostLimits(per_hour=3)
BEGIN = "import sys; from pathlib import Path; from transforms.fetching.limits.hosts import HostLimits;"
BEGIN += "from transforms.fetching.limits.ledger import *"
BEGIN += "; l = open_ledger(Path(sys.argv[1])); [l.begin('h', HostLimits(per_hour=3)) for _ in range(2)]; print('begun', flush=True)"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger"


def rows(path: Path) -> list[tuple]:
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT host, ended FROM requests ORDER BY id").fetchall()
    finally:
        db.close()


def use(ledger: Ledger, limits: HostLimits = HOURLY, times: int = 1, host: str = "h") -> None:
    for _ in range(times):
        number = ledger.begin(host, limits)
        assert isinstance(number, int), number
        ledger.end(number, limits, was_answered=True)


def test_the_requests_of_a_killed_process_count_from_the_moment_it_is_seen_to_be_dead(path):
    with subprocess.Popen([sys.executable, "-c", f"{BEGIN}; sys.stdin.read()", path], cwd=ROOT, stdin=-1, stdout=-1) as process:
        assert process.stdout.readline() == b"begun\n"
        ledger = open_ledger(path)
        assert rows(path) == [("h", None), ("h", None)]
        process.kill()
        process.wait()
    time.sleep(0.01)
    discovered = time.time()
    ledger._looked = -10.0  # as if the last look had been more than a second ago
    use(ledger)
    closed = ledger.begin("h", HOURLY)
    assert closed.until >= discovered + 3600
    assert [ended >= discovered for _, ended in rows(path)] == [True] * 3


@pytest.mark.parametrize(("seconds", "is_looked_for"), [(0.5, False), (1.5, True)])
def test_dead_processes_are_looked_for_once_a_second_at_most(seconds, is_looked_for, path):
    ledger = open_ledger(path)
    use(ledger, times=3)
    db = sqlite3.connect(path)
    db.execute("INSERT INTO owners VALUES (99)")
    db.commit()
    ledger._looked = time.monotonic() - seconds
    ledger.begin("h", HOURLY)
    assert (db.execute("SELECT id FROM owners WHERE id = 99").fetchone() is None) == is_looked_for
    db.close()


def test_the_requests_of_a_process_that_runs_stay_in_flight(path):
    with subprocess.Popen([sys.executable, "-c", f"{BEGIN}; sys.stdin.read()", path], cwd=ROOT, stdin=-1, stdout=-1) as process:
        process.stdout.readline()
        ledger = open_ledger(path)
        ledger._looked = -10.0
        assert isinstance(ledger.begin("h", HostLimits(concurrency=2)), Closed)
        process.stdin.close()


def test_a_process_that_is_killed_while_it_writes_leaves_no_half_of_a_change(path):
    forever = f"{BEGIN}\nwhile True: l.end(l.begin('w', HostLimits(per_day=10**6)), HostLimits(per_day=10**6), True)"
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", forever, path], cwd=ROOT, stdout=-1) as process:
            process.stdout.readline()
            time.sleep(0.03)
            process.send_signal(signal.SIGKILL)
    use(Ledger(path), host="w", limits=HostLimits(per_day=10**6))
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    assert all(ended is not None for host, ended in rows(path) if host == "w")


def test_rows_are_kept_for_a_day_where_hosts_have_limits_by_time_and_removed_elsewhere(path):
    clock = Clock()
    ledger = open_ledger(path, clock)
    use(ledger, HostLimits(concurrency=4), 10, "other")
    use(ledger)
    assert rows(path) == [("h", 1e9)]
    clock.now += 86_399
    use(ledger)
    assert len(rows(path)) == 2
    clock.now += 1
    use(ledger)
    assert len(rows(path)) == 2


def test_old_rows_of_hosts_that_are_not_asked_any_more_are_removed_at_the_next_run(path):
    clock = Clock()
    use(Ledger(path, clock))
    clock.now += 86_400
    Ledger(path, clock)
    assert rows(path) == []


def test_a_clock_that_was_set_back_closes_no_host_for_longer_than_its_window(path):
    clock = Clock()
    ledger = open_ledger(path, clock)
    use(ledger, times=3)
    for _ in range(5):
        ledger.refused("x", None)
    clock.now -= 1e8
    assert ledger.begin("h", HOURLY).until == clock.now + 3605
    assert ledger.begin("x", HOURLY).until == clock.now + 86_400
    clock.now += 86_400
    use(ledger)
    use(ledger, host="x")


@pytest.mark.parametrize("content", [b"not a ledger", b"SQLite format 3\0" + bytes(5000), os.urandom(9000)])
def test_a_file_that_is_no_ledger_is_an_error_and_stays_as_it_is(content, path):
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"ledger: damaged: not a record of requests .*remove it"):
        open_ledger(path)
    assert path.read_bytes() == content


def test_a_ledger_that_is_damaged_in_the_middle_is_an_error(path):
    use(Ledger(path), HostLimits(per_day=10**6), 300)
    gc.collect()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(DamagedFileError):
        open_ledger(path)


def test_a_database_of_another_program_or_version_is_an_error(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(DamagedFileError, match="its version is 0, not 1"):
        open_ledger(path)


def test_tables_that_were_removed_while_we_run_are_an_error(path):
    ledger = open_ledger(path)
    db = sqlite3.connect(path)
    db.execute("DROP TABLE requests")
    db.close()
    with pytest.raises(DamagedFileError, match="no such table"):
        ledger.begin("h", HOURLY)


def test_a_folder_in_its_place_is_an_error_that_names_it(path):
    path.mkdir()
    with pytest.raises(OSError, match=r"cannot be recorded.*ledger"):
        open_ledger(path)


def test_a_file_that_another_program_keeps_locked_is_an_error_after_a_while(path, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAIT", 0.05)
    ledger = open_ledger(path)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OSError, match="kept it locked") as caught:
        ledger.begin("h", HOURLY)
    assert caught.value.errno == errno.EBUSY
    db.execute("ROLLBACK")
    db.close()
    use(ledger)


def test_a_full_disk_is_an_error_with_a_remedy_and_nothing_is_counted_twice(path):
    limits = HostLimits(per_day=10**6)
    ledger = open_ledger(path)
    use(ledger, limits)
    ledger._db.execute("PRAGMA max_page_count = 9")  # SQLite then answers as it does when the disk is full
    with pytest.raises(OSError) as caught:
        use(ledger, limits, 5000)
    assert caught.value.errno == errno.ENOSPC
    assert explain(caught.value, "build").remedy.startswith("free disk space")
    n_rows = len(rows(path))
    ledger._db.execute("PRAGMA max_page_count = 9999")
    use(ledger, limits)
    assert len(rows(path)) == n_rows + 1


def test_a_file_that_may_not_grow_is_an_error(path):
    ledger, before = open_ledger(path), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        with pytest.raises(OSError, match="cannot be recorded"):
            use(ledger, HostLimits(per_day=10**6), 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_that_may_not_be_written_is_an_error_with_a_remedy(path):
    ledger = open_ledger(path)
    ledger._db.execute("PRAGMA query_only = ON")  # SQLite then answers as for a file without permission, which root always has
    with pytest.raises(OSError) as caught:
        ledger.begin("h", HOURLY)
    assert caught.value.errno == errno.EROFS
    assert "may write to" in explain(caught.value, "build").remedy


def test_all_users_of_a_file_in_a_process_share_one_ledger(tmp_path, path):
    assert open_ledger(path) is open_ledger(tmp_path / "x" / ".." / "ledger")
    (tmp_path / "link").symlink_to(path)
    first = open_ledger(path)
    assert open_ledger(tmp_path / "link") is first
    path.unlink()
    assert open_ledger(path) is not first


def test_without_a_file_each_ledger_is_of_its_own(tmp_path):
    first, second = open_ledger(None), open_ledger(None)
    use(first, times=3)
    use(second)
    assert isinstance(first.begin("h", HOURLY), Closed)


def _begin_in_a_fork(ledger: Ledger, path: Path, answers: multiprocessing.Queue) -> None:
    del ledger
    gc.collect()
    answers.put(open_ledger(path).begin("h", HOURLY))


def test_a_forked_process_opens_the_file_itself(path):
    ledger, context = open_ledger(path), multiprocessing.get_context("fork")
    ledger.begin("h", HOURLY)
    answers = context.Queue()
    process = context.Process(target=_begin_in_a_fork, args=(ledger, path, answers))
    process.start()
    assert answers.get(timeout=10) == 2
    process.join()
    ledger._looked = -10.0
    use(ledger)
    assert isinstance(ledger.begin("h", HOURLY), Closed)


def test_a_wait_ends_with_a_request():
    ledger = Ledger(None)
    number, n_ended = ledger.begin("h", HOURLY), ledger.n_ended
    thread = threading.Thread(target=ledger.end, args=(number, HOURLY, True))
    began = time.monotonic()
    thread.start()
    ledger.wait_for_end(n_ended, 10)
    thread.join()
    assert time.monotonic() - began < 5
    ledger.wait_for_end(n_ended, 10)  # it has ended already
    assert time.monotonic() - began < 5
