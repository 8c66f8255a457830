"""Where a recipe says that its addresses are a crawl, robots.txt decides which of them are read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pipeline.records import Reason, Rejected
from tests.downloads import QUICK, client_of
from tests.loopback import Loopback
from tests.misbehaviour import BEHAVIOURS
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web import robots
from transforms.fetching.web.robots import Robots, http_client

RULES = b"""
User-agent: *
Disallow: /

User-agent: laion-audio
Disallow: /private
Allow: /private/rain.wav$
"""
SOUNDS = dict.fromkeys(("/a.wav", "/private/b.wav", "/private/rain.wav"), b"sound")
CRAWL = replace(QUICK, respect_robots_txt=True, attempts=1)


@contextmanager
def robots_of(clock=lambda: 0.0):
    with client_of(replace(QUICK, attempts=1, respect_robots_tag=False)) as client:
        yield Robots(client, clock)


@pytest.mark.parametrize(("path", "allowed"), [("/a.wav", True), ("/private/b.wav", False), ("/private/rain.wav", True)])
def test_the_rules_for_us_count_before_those_for_all(path, allowed):
    with Loopback({"/robots.txt": RULES}) as server, robots_of() as rules:
        assert rules.allowed(server.url(path)) is allowed


def test_a_host_is_asked_once_a_day_by_all_threads():
    now = [0.0]
    with Loopback({"/robots.txt": RULES}) as server, robots_of(lambda: now[0]) as rules, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda n: rules.allowed(server.url(f"/{n}.wav")), range(30)))
        assert server.n_requests["/robots.txt"] == 1
        now[0] = robots.MAX_AGE
        rules.allowed(server.url("/a.wav"))
        assert server.n_requests["/robots.txt"] == 2


def test_a_robots_txt_that_cannot_be_read_is_not_waited_for_by_every_row(robots_answer):
    robots_answer(500)
    now = [0.0]
    with Loopback() as server, robots_of(lambda: now[0]) as rules:
        for row in range(5):
            with pytest.raises(Rejected, match=r"robots\.txt: HTTP 500"):
                rules.check(server.url(f"/{row}.wav"))
        assert server.n_requests["/robots.txt"] == 1
        robots_answer(200, b"User-agent: *\nAllow: /")
        now[0] = robots.REMEMBERED
        rules.check(server.url("/a.wav"))


@pytest.fixture
def robots_answer(monkeypatch):
    """Let the server answer a request for /robots.txt with a status and a body."""

    def answer(status: int, body: bytes = b"", **headers: str) -> None:
        monkeypatch.setitem(BEHAVIOURS, "robots.txt", lambda handler, n: handler.reply(status, body, **headers))

    return answer


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_host_without_rules_allows_everything(loopback, robots_answer, status):
    robots_answer(status, RULES)
    with robots_of() as rules:
        assert rules.allowed(loopback.url("/private/b.wav"))


@pytest.mark.parametrize(("status", "reason"), [(500, Reason.SERVER_ERROR), (429, Reason.THROTTLED), (503, Reason.SERVER_ERROR)])
def test_while_the_rules_cannot_be_read_nothing_is_read(loopback, robots_answer, tmp_path, status, reason):
    robots_answer(status)
    client = http_client(CRAWL, Budgets(BudgetSettings()))
    for _ in range(2):
        with pytest.raises(Rejected) as caught:
            client.download(loopback.url("/good"), tmp_path)
        assert (caught.value.reason, caught.value.detail.startswith("robots.txt: ")) == (reason, True)
    client.manager.clear()
    assert (loopback.n_requests["/good"], loopback.n_requests["/robots.txt"]) == (0, 1)


def test_rules_that_lie_behind_a_loop_of_redirects_are_none(loopback, robots_answer):
    robots_answer(302, Location="/loop")
    with robots_of() as rules:
        assert rules.allowed(loopback.url("/private/b.wav"))


def test_a_host_with_endless_rules_is_not_read(loopback, robots_answer):
    robots_answer(200, b"# long\n" * 500_000)
    with robots_of() as rules, pytest.raises(Rejected) as caught:
        rules.allowed(loopback.url("/a.wav"))
    assert caught.value.reason == Reason.TOO_LARGE


@pytest.mark.parametrize("body", [b"", b"<html>not found</html>", b"\xff\xfe\x00", b"User-agent\nDisallow"])
def test_what_holds_no_rules_allows_everything(loopback, robots_answer, body):
    robots_answer(200, body, X_Robots_Tag="noindex")
    with robots_of() as rules:
        assert rules.allowed(loopback.url("/private/b.wav"))


def test_the_hosts_whose_rules_are_kept_are_bounded(monkeypatch):
    monkeypatch.setattr(robots, "MAX_HOSTS", 1)
    with Loopback({"/robots.txt": RULES}) as first, Loopback({"/robots.txt": b""}) as second, robots_of() as rules:
        answers = [rules.allowed(server.url("/private/b.wav")) for server in (first, second, first)]
    assert (answers, first.n_requests["/robots.txt"], second.n_requests["/robots.txt"]) == ([False, True, False], 2, 1)


# Downloads.


def test_a_crawl_reads_what_it_may_and_is_refused_the_rest(tmp_path):
    with Loopback({"/robots.txt": RULES, **SOUNDS}) as server:
        client = http_client(CRAWL, Budgets(BudgetSettings()))
        assert client.download(server.url("/a.wav"), tmp_path).path.read_bytes() == b"sound"
        with pytest.raises(Rejected) as caught:
            client.download(server.url("/private/b.wav?token=hush"), tmp_path)
        client.manager.clear()
        assert (caught.value.reason, caught.value.detail) == (
            Reason.FORBIDDEN,
            "robots.txt of 127.0.0.1 keeps this address from robots",
        )
        assert server.n_requests == {"/robots.txt": 1, "/a.wav": 1}


def test_the_rules_hold_for_the_address_of_a_redirect_too(loopback, tmp_path):
    with Loopback({"/robots.txt": RULES, **SOUNDS}) as server:
        client = http_client(CRAWL, Budgets(BudgetSettings()))
        with pytest.raises(Rejected) as caught:
            client.download(loopback.url(f"/to?{server.url('/private/b.wav')}"), tmp_path)
        client.manager.clear()
        assert (caught.value.reason, server.n_requests) == (Reason.FORBIDDEN, {"/robots.txt": 1})


def test_addresses_that_a_user_lists_are_no_crawl(tmp_path):
    with Loopback({"/robots.txt": RULES, **SOUNDS}) as server:
        client = http_client(QUICK, Budgets(BudgetSettings()))
        assert client.download(server.url("/private/b.wav"), tmp_path).path.read_bytes() == b"sound"
        client.manager.clear()
        assert server.n_requests == {"/private/b.wav": 1}
