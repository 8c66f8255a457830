"""List what hosts are known to allow one user: one table for the estimate and for the fetchers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from transforms.fetching.addresses import plain_host

HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]*:[0-9a-f:.]*")
"""A name as it is in addresses, or an IPv6 address."""
Count = Annotated[int, Ge(1)] | None


@dataclass(frozen=True, slots=True)
class HostLimits:
    """How many requests we make to a host, `None` for no limit: a table `[hosts."NAME"]` of a recipe.

    `concurrency` counts requests at the same time, the others those that a host sees in any minute, hour or day; a video of YouTube
    counts as one request. `source` says where the numbers are published.
    """

    concurrency: Count = None
    per_minute: Count = None
    per_hour: Count = None
    per_day: Count = None
    source: str = ""

    @property
    def has_windows(self) -> bool:
        """Whether requests are limited by time, and so have to be remembered after they end."""
        return any(limit is not None for limit in (self.per_minute, self.per_hour, self.per_day))

    def in_words(self) -> str:
        """Return the numbers and their source; nothing where none is known.

        >>> HostLimits(per_minute=60, per_day=2000, source="its API documentation").in_words()
        '60 a minute, 2000 a day (its API documentation)'
        """
        numbers = (
            ("at a time", self.concurrency),
            ("a minute", self.per_minute),
            ("an hour", self.per_hour),
            ("a day", self.per_day),
        )
        allowed = ", ".join(f"{number} {unit}" for unit, number in numbers if number is not None)
        return f"{allowed} ({self.source})" if allowed and self.source else allowed


HOSTS = {
    "freesound.org": HostLimits(concurrency=4, per_minute=60, per_day=2_000, source="Freesound's API documentation"),
    "youtube.com": HostLimits(concurrency=1, per_hour=300, source="yt-dlp's wiki: 300 an hour without an account"),
}
"""Host -> its limits; its subdomains share them."""
OTHERS = HostLimits(concurrency=4)
"""The limits of every other host."""
ALIASES = {"youtu.be": "youtube.com", "youtube-nocookie.com": "youtube.com"}
"""Host -> the host in `HOSTS` that it shares its limits with."""


@dataclass(frozen=True)
class HostTable:
    """The limits of all hosts: one table for the estimate and for the fetchers.

    `given` are those of the recipe, by the names that `limits_by_host` gives them; they replace ours.
    """

    given: Mapping[str, HostLimits] = field(default_factory=dict, hash=False)

    def name_of(self, host: str) -> str:
        """Return the host whose limits hold for `host`: the longest name in the table that it is or ends with; else `host` itself.

        >>> table = HostTable()
        >>> table.name_of("cdn.freesound.org"), table.name_of("youtu.be"), table.name_of("notfreesound.org")
        ('freesound.org', 'youtube.com', 'notfreesound.org')
        """
        host = alias_of(host)
        known = [name for name in {**HOSTS, **self.given} if host == name or host.endswith(f".{name}")]
        return max(known, key=len, default=host)

    def limits_of(self, host: str) -> HostLimits:
        """Return the limits that hold for a host."""
        name = self.name_of(host)
        return self.given.get(name) or HOSTS.get(name, OTHERS)


def alias_of(host: str) -> str:
    """Return the host that a host shares its limits with by another name, or the host itself."""
    return next((other for alias, other in ALIASES.items() if host == alias or host.endswith(f".{alias}")), host)


def limits_by_host(given: Mapping[str, HostLimits]) -> dict[str, HostLimits]:
    """Return the limits of a recipe by the names that hosts have in addresses.

    Raises:
        ValueError: a name is no host, so that its limits would never hold; or two of them are one host.

    >>> limits_by_host({"www.Example.org": HostLimits(concurrency=1)})
    {'example.org': HostLimits(concurrency=1, per_minute=None, per_hour=None, per_day=None, source='')}
    """
    hosts: dict[str, HostLimits] = {}
    for name, limits in given.items():
        host = alias_of(plain_host(name))
        if not HOST.fullmatch(host):
            raise ValueError(f'{name!r} is not the name of a host: write it without scheme, port, path and *, as in [hosts."example.org"]')
        if host in hosts:
            raise ValueError(f"{name!r} is named twice: it shares its limits with {host}")
        hosts[host] = limits
    return hosts
