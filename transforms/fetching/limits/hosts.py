"""List what hosts are known to allow one user: one table for the estimate and for the fetchers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

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
ALIASES = {"youtu.be": "youtube.com"}
"""Host -> the host in `HOSTS` that it shares its limits with."""


@dataclass(frozen=True)
class HostTable:
    """The limits of all hosts: one table for the estimate and for the fetchers. `given` are those of the recipe; they replace ours."""

    given: Mapping[str, HostLimits] = field(default_factory=dict, hash=False)

    def name_of(self, host: str) -> str:
        """Return the host whose limits hold for `host`: the longest name in the table that it is or ends with; else `host` itself.

        >>> table = HostTable()
        >>> table.name_of("cdn.freesound.org"), table.name_of("youtu.be"), table.name_of("notfreesound.org")
        ('freesound.org', 'youtube.com', 'notfreesound.org')
        """
        host = ALIASES.get(host, host)
        known = [name for name in {**HOSTS, **self.given} if host == name or host.endswith(f".{name}")]
        return max(known, key=len, default=host)

    def limits_of(self, host: str) -> HostLimits:
        """Return the limits that hold for a host."""
        name = self.name_of(host)
        return self.given.get(name) or HOSTS.get(name, OTHERS)
