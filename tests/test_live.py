"""A build is shown while it runs: on a terminal a view that changes, otherwise lines; hosts come from the ledger."""

from __future__ import annotations

import collections
import io
import threading
from pathlib import Path

from rich.console import Console

from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.report.live import _Lines, follow_build, watched
from pipeline.report.progress import BuildProgress, Observer
from pipeline.verbs.status import read_the_books, snapshot_of
from tests.fates import build_into, make_fates
from tests.test_progress import TASKS, publish
from transforms.fetching.limits.budgets import BudgetSettings
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.limits.ledger import Ledger

HOSTS = HostTable({"slow.example": HostLimits(concurrency=2, per_minute=5, per_hour=9)})


def test_lines_are_printed_without_a_terminal_and_never_twice(tmp_path: Path) -> None:
    out = io.StringIO()
    lines = _Lines(Observer(take_snapshot(Folder(str(tmp_path))), TASKS), Console(file=out, width=200), list)
    with lines:
        pass
    done = BuildProgress(2, 20, 3_600.0, collections.Counter({"silent": 2}))
    lines(BuildProgress(1, 10))  # too soon after the first
    lines(done)
    lines(done)
    printed = out.getvalue().splitlines()
    assert printed[0] == "2 shards, 20 clips to make"
    assert len(printed) == 2 and "shards 2/2  clips 20/20" in printed[1] and printed[1].endswith("silent 2")
    assert " clips/s  " in printed[1] and " hours/h  " in printed[1]


def test_a_terminal_gets_a_bar_rates_reasons_and_a_line_for_each_host(tmp_path: Path) -> None:
    folder, out, ledger = Folder(str(tmp_path)), io.StringIO(), Ledger(tmp_path / "ledger.sqlite")
    ledger.begin("slow.example", HOSTS.limits_of("slow.example"))
    budgets = BudgetSettings(HOSTS, tmp_path / "ledger.sqlite")
    with watched(take_snapshot(folder), TASKS, Console(file=out, force_terminal=True, width=120), budgets):
        publish(folder, TASKS[0], "from-0")
        publish(folder, TASKS[1], "from-1")
    shown = out.getvalue()
    assert all(text in shown for text in ("20/20", "shards 2/2", "hours/h", "silent 4"))
    assert "slow.example: 1 in flight, 4 a minute and 8 an hour left" in shown


def test_a_build_is_followed_line_by_line_without_a_terminal(tmp_path: Path) -> None:
    folder, text = Folder(str(tmp_path)), io.StringIO()
    with watched(take_snapshot(folder), TASKS, Console(file=text, width=200)):
        for task in TASKS:
            publish(folder, task, task.inputs_sha256)
    lines = text.getvalue().splitlines()
    assert lines[0] == "2 shards, 20 clips to make"
    assert lines[-1].startswith("shards 2/2  clips 20/20  ") and lines[-1].endswith("silent 4")


def test_a_ledger_that_is_damaged_does_not_end_the_display(tmp_path: Path) -> None:
    folder, out = Folder(str(tmp_path)), io.StringIO()
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 100)
    with watched(take_snapshot(folder), TASKS, Console(file=out, width=200), BudgetSettings(HOSTS, tmp_path / "ledger.sqlite")):
        publish(folder, TASKS[0], "from-0")
        publish(folder, TASKS[1], "from-1")
    assert "shards 2/2" in out.getvalue()


def test_another_process_is_followed_until_all_shards_are_built(tmp_path: Path) -> None:
    recipe, out = make_fates(tmp_path / "in"), io.StringIO()
    build_into(tmp_path / "out", recipe)
    folder = Folder(str(tmp_path / "out"))
    marker = next((tmp_path / "out").rglob("0_stats.json"))
    content = marker.read_bytes()
    marker.unlink()
    threading.Timer(0.3, marker.write_bytes, [content]).start()
    assert not read_the_books(snapshot_of(folder)).complete
    end = follow_build(snapshot_of(folder), Console(file=out, width=200))
    assert read_the_books(end).balance and f"shards {read_the_books(end).shards_done}/" in out.getvalue().splitlines()[-1]
