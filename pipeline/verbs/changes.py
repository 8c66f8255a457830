"""Say which changes of what stands a user has asked a build for."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.records import Reason


@dataclass(frozen=True, slots=True)
class Changes:
    """The options of a build that change what stands.

    `prune` lets it remove samples, `reshard` puts all clips into new shards, `repair` makes what is damaged anew, `retried` are reasons:
    rows that were rejected with one of them are tried again.
    """

    prune: bool = False
    reshard: bool = False
    repair: bool = False
    retried: frozenset[Reason] = frozenset()

    @property
    def plans_again(self) -> bool:
        """Whether the plan is made again although the recipe has not changed."""
        return self.reshard or self.repair


NO_CHANGES = Changes()
