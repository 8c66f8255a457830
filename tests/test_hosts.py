"""What hosts allow is known in one table, for their subdomains too."""

from __future__ import annotations

import pytest

from transforms.fetching.limits.hosts import ALIASES, HOSTS, HostLimits, HostTable

TABLE = HostTable()


@pytest.mark.parametrize(
    ("host", "limiting", "limits"),
    [
        ("freesound.org", "freesound.org", (4, 60, None, 2000)),
        ("cdn.freesound.org", "freesound.org", (4, 60, None, 2000)),
        ("youtube.com", "youtube.com", (1, None, 300, None)),
        ("m.youtube.com", "youtube.com", (1, None, 300, None)),
        ("youtu.be", "youtube.com", (1, None, 300, None)),
        ("notfreesound.org", "notfreesound.org", (4, None, None, None)),
        ("freesound.org.example", "freesound.org.example", (4, None, None, None)),
        ("", "", (4, None, None, None)),
    ],
)
def test_a_host_shares_its_limits_with_its_subdomains_and_aliases(host, limiting, limits):
    assert TABLE.name_of(host) == limiting
    given = TABLE.limits_of(host)
    assert (given.concurrency, given.per_minute, given.per_hour, given.per_day) == limits


def test_every_number_has_a_source_and_every_alias_a_host():
    for limits in HOSTS.values():
        assert limits.source
        assert limits.in_words()
    assert set(ALIASES.values()) <= set(HOSTS)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (HostLimits(), ""),
        (HostLimits(source="nowhere"), ""),
        (HostLimits(concurrency=2, source="its page"), "2 at a time (its page)"),
        (HostLimits(2, 60, 300, 2000, "its page"), "2 at a time, 60 a minute, 300 an hour, 2000 a day (its page)"),
        (HostLimits(per_day=2000), "2000 a day"),
    ],
)
def test_limits_in_words(limits, words):
    assert limits.in_words() == words


@pytest.mark.parametrize(
    ("limits", "has_windows"),
    [
        (HostLimits(), False),
        (HostLimits(concurrency=1), False),
        (HostLimits(per_minute=1), True),
        (HostLimits(per_hour=1), True),
        (HostLimits(per_day=1), True),
    ],
)
def test_requests_are_remembered_where_they_are_limited_by_time(limits, has_windows):
    assert limits.has_windows is has_windows
