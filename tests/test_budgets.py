"""A host never sees more requests than its limits allow: from threads and processes, over runs, with latency, after kill -9."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from pipeline.records import Reason, Rejected
from tests.arrivals import SPANS, Arrivals, ask, budgets_of, process
from transforms.fetching.limits.budgets import Budgets, BudgetSettings, paused_hosts
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.limits.windows import Spans

FILES = {"/a": b"x" * 1000}
DAY = 86_400.0


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1e9
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def table(**limits: int | None) -> HostTable:
    return HostTable({"h": HostLimits(**limits)})  # type: ignore[arg-type]


def made(clock: Clock, hosts: HostTable, ledger: Path | None = None, wait: bool = False) -> Budgets:
    return Budgets(BudgetSettings(hosts, ledger, wait), clock, clock.sleep)


def request(budgets: Budgets, host: str = "h", times: int = 1) -> None:
    for _ in range(times):
        with budgets.request(host):
            pass


def rejection(budgets: Budgets, host: str = "h") -> Rejected:
    with pytest.raises(Rejected) as caught:
        request(budgets, host)
    return caught.value


@pytest.mark.parametrize("n_threads", [1, 4])
@pytest.mark.parametrize("shared", [True, False])
def test_threads_keep_to_the_limit_of_a_minute_over_two_runs(n_threads, shared, tmp_path):
    limits = HostLimits(per_minute=5)
    with Arrivals(FILES, delay=0.1) as server:
        for _ in range(2):
            budgets = [budgets_of(tmp_path / "ledger", limits) for _ in range(1 if shared else n_threads)]
            ask(server.url("/a"), budgets, n_threads, 0.5)
    assert server.most_in(SPANS.minute) <= 5 < len(server.times)


def test_processes_keep_to_the_limit_of_a_minute_when_one_is_killed(tmp_path):
    limits = HostLimits(concurrency=3, per_minute=5)
    with Arrivals(FILES, delay=0.1) as server:
        workers = [process(server.url("/a"), tmp_path / "ledger", 4, seconds, limits) for seconds in (60, 1.2, 1.2)]
        for worker in workers:
            assert worker.stdout.readline() == "begun\n"
        time.sleep(0.2)
        workers[0].kill()
        ask(server.url("/a"), [budgets_of(tmp_path / "ledger", limits)], 4, 1.0)
        assert [worker.wait() for worker in workers] == [-9, 0, 0]
        for worker in workers:
            worker.stdout.close()
    assert server.most_in(SPANS.minute) <= 5
    assert len(server.times) > 10


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [1, 4])
def test_processes_keep_to_the_limit_of_a_minute_over_two_runs_with_kills(n_workers, tmp_path):
    limits = HostLimits(per_minute=7)
    with Arrivals(FILES, delay=0.14) as server:
        for _ in range(2):
            workers = [process(server.url("/a"), tmp_path / "ledger", 4, 60, limits) for _ in range(n_workers)]
            for worker in workers:
                worker.stdout.readline()
            time.sleep(3)
            for worker in workers:
                worker.kill()
                worker.wait()
                worker.stdout.close()
        ask(server.url("/a"), [budgets_of(tmp_path / "ledger", limits)], 4, 1.0)
    assert server.most_in(SPANS.minute) <= 7
    assert len(server.times) > 40


def test_requests_at_the_same_time_keep_to_the_concurrency_of_a_host(tmp_path):
    in_flight, most, lock, all_budgets = [0], [0], threading.Lock(), [made(Clock(), HostTable(), tmp_path / "ledger") for _ in range(2)]

    def work(budgets: Budgets) -> None:
        for _ in range(5):
            with budgets.request("h"):
                with lock:
                    in_flight[0] += 1
                    most[0] = max(most[0], in_flight[0])
                time.sleep(0.005)
                with lock:
                    in_flight[0] -= 1

    threads = [threading.Thread(target=work, args=(all_budgets[n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [4]


def test_a_budget_of_a_day_is_kept_over_processes_and_runs(tmp_path):
    limits = HostLimits(per_day=10)
    with Arrivals(FILES, delay=0.05) as server:
        workers = [process(server.url("/a"), tmp_path / "ledger", 2, 0.5, limits) for _ in range(2)]
        for worker in workers:
            worker.communicate()
        assert ask(server.url("/a"), [budgets_of(tmp_path / "ledger", limits)], 2, 0.1) > 0
    assert len(server.times) == 10


def test_a_minute_is_waited_for_and_a_day_is_not():
    clock = Clock()
    budgets = made(clock, table(per_minute=2, per_day=3))
    request(budgets, times=3)
    assert sum(clock.slept) == 60
    rejected = rejection(budgets)
    assert (rejected.reason, rejected.detail) == (Reason.POSTPONED, "h: 3 a day are used up")
    assert budgets.open_at("h") == 1e9 + DAY
    assert clock.now == 1e9 + 60


def test_with_wait_a_build_sleeps_in_slices_until_the_budget_is_there():
    clock = Clock()
    budgets = made(clock, table(per_hour=2), wait=True)
    request(budgets, times=3)
    assert (clock.now, max(clock.slept)) == (1e9 + 3600, 5)
    assert budgets.open_at("h") is None  # one of the two is free again


def test_subdomains_share_the_budget_of_a_host_and_other_hosts_have_their_own():
    budgets = made(Clock(), table(per_day=2))
    request(budgets, "a.h")
    request(budgets, "b.h")
    assert rejection(budgets, "c.h").detail == "h: 2 a day are used up"
    request(budgets, "other", times=10)


def test_a_budget_is_there_again_after_its_window(tmp_path):
    clock = Clock()
    budgets = made(clock, table(per_hour=1))
    request(budgets)
    assert rejection(budgets).reason == Reason.POSTPONED
    clock.now += 3600
    request(budgets)
    assert rejection(budgets).reason == Reason.POSTPONED


def test_what_opens_within_a_minute_is_waited_for():
    clock = Clock()
    budgets = made(clock, table(per_day=1))
    request(budgets)
    clock.now += DAY - 59
    request(budgets)
    assert clock.now == 1e9 + DAY


def test_a_request_without_an_answer_counts_for_some_seconds_more():
    clock = Clock()
    budgets = made(clock, table(per_hour=1))
    with pytest.raises(TimeoutError), budgets.request("h"):
        raise TimeoutError
    assert budgets.open_at("h") == 1e9 + 3605


def test_five_refusals_stop_a_host_for_all_processes_and_others_go_on(tmp_path):
    clock, hosts = Clock(), HostTable()
    first, second = (made(clock, hosts, tmp_path / "ledger") for _ in range(2))
    for budgets in (first, second, first, second):
        budgets.refused("h")
    request(second)
    first.refused("h")
    for budgets in (first, second):
        assert rejection(budgets).detail == "h: stopped, because it refused requests"
        request(budgets, "other")
    assert paused_hosts(tmp_path / "ledger", hosts, clock.now) == {"h": 1e9 + 900}


def test_after_a_stop_one_request_tries_and_its_answer_opens_the_host():
    clock = Clock()
    budgets = made(clock, HostTable())
    budgets.refused("h", 3600)
    clock.now += 3600
    entered = threading.Event()

    def other() -> None:
        with budgets.request("h"):
            entered.set()

    with budgets.request("h"):
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.15)
        budgets.answered("h")
    thread.join()
    assert entered.is_set()


def test_a_request_says_how_long_it_waited(tmp_path):
    budgets = Budgets(BudgetSettings(table(per_minute=1)), spans=Spans(minute=0.1))
    with budgets.request("h") as first:
        pass
    with budgets.request("h") as second:
        pass
    assert first < 0.1 <= second + 0.01


def test_a_refusal_of_the_request_that_tries_stops_the_host_for_longer():
    clock = Clock()
    budgets = made(clock, HostTable())
    for _ in range(5):
        budgets.refused("h")
    clock.now += 900
    with budgets.request("h"):
        budgets.refused("h")
    assert budgets.open_at("h") == clock.now + 1800


def test_paused_hosts_of_no_ledger_are_none(tmp_path):
    assert paused_hosts(None, HostTable(), 0.0) == {} == paused_hosts(tmp_path / "missing", HostTable(), 0.0)
    assert list(tmp_path.iterdir()) == []


def test_paused_hosts_are_those_whose_budgets_of_hours_and_days_are_used_up(tmp_path):
    clock = Clock()
    hosts = HostTable({"minute": HostLimits(per_minute=1), "day": HostLimits(per_day=1), "more": HostLimits(per_day=2)})
    budgets = made(clock, hosts, tmp_path / "ledger")
    for host in ("minute", "day", "more"):
        request(budgets, host)
    assert paused_hosts(tmp_path / "ledger", hosts, clock.now) == {"day": 1e9 + DAY}
    assert paused_hosts(tmp_path / "ledger", hosts, clock.now + DAY) == {}


def test_rows_left_for_later_by_the_thousand_do_not_ask_the_ledger(monkeypatch):
    budgets = made(Clock(), table(per_day=1))
    request(budgets)
    rejection(budgets)
    monkeypatch.setattr("transforms.fetching.limits.ledger.Ledger.begin", None)
    assert rejection(budgets).detail == "h: 1 a day are used up"


def test_a_clock_that_was_in_the_future_closes_no_host_until_then(tmp_path):
    hosts, clock = HostTable({"h": HostLimits(per_hour=1)}), Clock()
    path, now = tmp_path / "ledger", clock.now
    clock.now += 400 * DAY
    budgets = Budgets(BudgetSettings(hosts, path), clock)
    with budgets.request("h"):
        pass
    budgets.refused("other", 3600.0)
    times = paused_hosts(path, hosts, now)
    assert times == {"h": now + 3600 + 5, "other": now + DAY}
    assert paused_hosts(path, hosts, now + 1800) == times, "looking at it again does not make it longer"
    assert paused_hosts(path, hosts, now + DAY) == {}


def test_a_wait_ends_when_the_clock_was_set_back_meanwhile():
    clock = Clock()
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds - (1000 * DAY if len(slept) == 3 else 0)

    budgets = Budgets(BudgetSettings(HostTable({"h": HostLimits(per_hour=1)}), wait=True), clock, sleep)
    for _ in range(2):
        with budgets.request("h"):
            pass
    assert sum(slept) < 2 * 3600
