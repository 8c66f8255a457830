"""Keep requests to a host within its limits, over all threads, processes and runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from transforms.fetching.hosts import HostTable


def paused_hosts(ledger: Path | None, hosts: HostTable, now: float) -> dict[str, float]:
    """Return the hosts that are asked no more for now -> Unix time when they may be asked again; none without a ledger."""
    return {}


@dataclass(frozen=True)
class BudgetSettings:
    """What budgets need: the limits of hosts, the file of the ledger (`None`: this process alone), and whether to wait for a budget."""

    hosts: HostTable = field(default_factory=HostTable)
    ledger: Path | None = None
    wait: bool = False


class Budgets:
    """The budgets of all hosts; safe to share between threads."""

    def __init__(self, settings: BudgetSettings):
        self.settings = settings

    @contextmanager
    def request(self, host: str) -> Iterator[None]:
        """Hold one of the requests that a host allows, from before the connection until the body is read.

        Raises:
            Rejected: `postponed`, when the budget of the host is used up, or the host was stopped.
        """
        yield

    def refused(self, host: str, after: float | None = None) -> None:
        """Note that a host throttled us or checked for robots; several in a row stop it, as does a wait (in seconds) it asks for."""

    def answered(self, host: str) -> None:
        """Note that a host answered as it should."""
