"""What hosts allow is known in one table, for their subdomains too."""

from __future__ import annotations

import pytest

from transforms.fetching.addresses import host_of
from transforms.fetching.limits.hosts import ALIASES, HOSTS, HostLimits, HostTable, limits_by_host

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


@pytest.mark.parametrize(
    ("given", "addresses"),
    [
        ("www.Example.ORG", ("http://example.org./a", "https://me:pw@EXAMPLE.org:8443/a", "http://cdn.example.org/a")),
        ("Bücher.example", ("http://xn--bcher-kva.example/a", "http://BÜCHER.example./a")),
        ("[0:0::1]", ("http://[::1]:8080/a",)),
        ("10.0.0.1", ("http://167772161/a", "http://0xA.1/a", "http://[::ffff:10.0.0.1]/a")),
        ("youtu.be", ("https://www.youtube-nocookie.com/embed/a", "https://youtube.com./watch?v=a")),
    ],
)
def test_every_way_of_writing_a_host_shares_its_limits(given, addresses):
    limits = HostLimits(concurrency=1)
    table = HostTable(limits_by_host({given: limits}))
    assert {table.limits_of(host_of(address)) for address in addresses} == {limits}
    assert len({table.name_of(host_of(address)) for address in addresses}) == 1


@pytest.mark.parametrize("names", [["https://a.org"], ["a.org:8080"], ["*.a.org"], ["a.org/x"], [""], ["a.org", "A.org."]])
def test_names_whose_limits_would_never_hold_are_refused(names):
    with pytest.raises(ValueError, match=r"not the name of a host|named twice"):
        limits_by_host(dict.fromkeys(names, HostLimits()))


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
