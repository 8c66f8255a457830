"""The time that a download waits for the budget of its host is no part of the time that it may take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.downloads import QUICK
from tests.loopback import Loopback
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.limits.windows import Spans
from transforms.fetching.web.http import HttpClient


def test_waiting_for_a_budget_does_not_end_a_download(tmp_path: Path) -> None:
    hosts = HostTable({"127.0.0.1": HostLimits(per_minute=1)})
    with Loopback({"/a": b"x"}) as server:
        client = HttpClient(replace(QUICK, total_timeout=0.1), Budgets(BudgetSettings(hosts), spans=Spans(minute=0.2)))
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            client.download(server.url("/a"), tmp_path / name)
        client.manager.clear()
