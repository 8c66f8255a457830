"""Say which changes of what stands a user has asked a build for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changes:
    """The options of a build that change what stands.

    `prune` lets it remove samples, `reshard` puts all clips into new shards, `repair` makes what is damaged anew.
    """

    prune: bool = False
    reshard: bool = False
    repair: bool = False

    @property
    def plans_again(self) -> bool:
        """Whether the plan is made again although the recipe has not changed."""
        return self.reshard or self.repair


NO_CHANGES = Changes()
