"""The state of hosts is read from the ledger of a build that runs: what is in flight, what is left, what is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.damage import DamagedFileError
from transforms.fetching.limits.budgets import BudgetSettings
from transforms.fetching.limits.host_states import host_states
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.limits.ledger import Ledger

LIMITS = HostLimits(concurrency=4, per_minute=3, per_day=10)
HOSTS = HostTable({"slow.example": LIMITS, "other.example": HostLimits(concurrency=1)})
NOW = 1_800_000_000.0


def ledger_of(folder: Path) -> tuple[Ledger, BudgetSettings]:
    path = folder / "ledger.sqlite"
    return Ledger(path, lambda: NOW), BudgetSettings(HOSTS, path)


def test_requests_in_flight_and_those_of_a_window_are_taken_from_what_is_left(tmp_path: Path) -> None:
    ledger, settings = ledger_of(tmp_path)
    first = ledger.begin("slow.example", LIMITS)
    assert isinstance(first, int)
    ledger.begin("slow.example", LIMITS)
    ledger.end(first, LIMITS, was_answered=True)
    (state,) = host_states(settings, NOW + 1)
    assert (state.host, state.n_in_flight, state.left, state.closed) == ("slow.example", 1, ((1, "a minute"), (8, "a day")), None)
    (later,) = host_states(settings, NOW + 61)
    assert later.left == ((2, "a minute"), (8, "a day"))


def test_a_host_that_refused_is_closed_and_says_for_how_long(tmp_path: Path) -> None:
    ledger, settings = ledger_of(tmp_path)
    ledger.refused("slow.example", 600.0)
    (state,) = host_states(settings, NOW)
    assert state.closed is not None and state.closed.is_long and "closed for 10 min" in state.in_words(NOW)


def test_hosts_with_requests_in_flight_come_first(tmp_path: Path) -> None:
    ledger, settings = ledger_of(tmp_path)
    ledger.refused("a.example", None)
    ledger.begin("other.example", HOSTS.limits_of("other.example"))
    assert [state.host for state in host_states(settings, NOW)] == ["other.example", "a.example"]


def test_without_a_ledger_there_are_no_hosts_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert host_states(BudgetSettings(HOSTS)) == [] == host_states(BudgetSettings(HOSTS, tmp_path / "missing"))
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(DamagedFileError):
        host_states(BudgetSettings(HOSTS, tmp_path / "ledger.sqlite"))
