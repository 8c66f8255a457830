"""What hosts allow is known in one table, for their subdomains too."""

from __future__ import annotations

import pytest

from transforms.fetching.hosts import ALIASES, HOSTS, HostLimits, limiting_host, limits_of


@pytest.mark.parametrize(
    ("host", "limiting", "per_minute", "per_day"),
    [
        ("freesound.org", "freesound.org", 60, 2000),
        ("cdn.freesound.org", "freesound.org", 60, 2000),
        ("youtube.com", "youtube.com", None, 7200),
        ("m.youtube.com", "youtube.com", None, 7200),
        ("youtu.be", "youtube.com", None, 7200),
        ("notfreesound.org", "notfreesound.org", None, None),
        ("freesound.org.example", "freesound.org.example", None, None),
        ("", "", None, None),
    ],
)
def test_a_host_shares_its_limits_with_its_subdomains_and_aliases(host, limiting, per_minute, per_day):
    assert limiting_host(host) == limiting
    limits = limits_of(host)
    assert (limits.concurrency, limits.per_minute, limits.per_day) == (None, per_minute, per_day)


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
        (HostLimits(2, 60, 2000, "its page"), "2 at a time, 60 a minute, 2000 a day (its page)"),
        (HostLimits(per_day=0, source="its page"), "0 a day (its page)"),
    ],
)
def test_limits_in_words(limits, words):
    assert limits.in_words() == words
