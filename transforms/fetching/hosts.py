"""List what hosts are known to allow one user: one table for the estimate and for the fetchers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What a host allows one user, `None` where that is not known.

    `concurrency` counts requests at the same time, `per_minute` and `per_day` count recordings; `source` says where the numbers
    are published.
    """

    concurrency: int | None = None
    per_minute: int | None = None
    per_day: int | None = None
    source: str = ""

    def in_words(self) -> str:
        """Return the numbers and their source; nothing where none is known.

        >>> HostLimits(per_minute=60, per_day=2000, source="its API documentation").in_words()
        '60 a minute, 2000 a day (its API documentation)'
        """
        numbers = (("at a time", self.concurrency), ("a minute", self.per_minute), ("a day", self.per_day))
        allowed = ", ".join(f"{number} {unit}" for unit, number in numbers if number is not None)
        return f"{allowed} ({self.source})" if allowed else ""


HOSTS = {
    "freesound.org": HostLimits(per_minute=60, per_day=2_000, source="Freesound's API documentation"),
    "youtube.com": HostLimits(per_day=300 * 24, source="yt-dlp's wiki: 300 an hour without an account"),
}
"""Host -> what it allows; its subdomains share it. The fetchers do not keep to these numbers yet."""
ALIASES = {"youtu.be": "youtube.com"}
"""Host -> the host in `HOSTS` that it shares its limits with."""


def limiting_host(host: str) -> str:
    """Return the host in `HOSTS` whose limits hold for `host`, or `host` itself where none is known.

    >>> limiting_host("cdn.freesound.org"), limiting_host("youtu.be"), limiting_host("notfreesound.org")
    ('freesound.org', 'youtube.com', 'notfreesound.org')
    """
    host = ALIASES.get(host, host)
    return next((name for name in HOSTS if host.endswith(f".{name}")), host)


def limits_of(host: str) -> HostLimits:
    """Return what a host is known to allow."""
    return HOSTS.get(limiting_host(host), HostLimits())
