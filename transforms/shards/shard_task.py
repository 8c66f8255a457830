"""Define what a worker needs to make a shard: its task, and the settings that all shards of a build share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.keys import stable_hash
from pipeline.output.equal_sounds_file import SoundsInOtherShards
from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, Reason, ShardId, SimilarSounds
from transforms.fetching.fetch import Fetcher
from transforms.fetching.limits.budgets import paused_hosts
from transforms.fetching.limits.hosts import HostTable
from transforms.shards.slot_ledger import paused_in_slot
from transforms.shards.versions import WorkerVersions

SettingsHashOf = Callable[[str], str]
"""Dataset -> hash of the settings that decide the bytes of its shards."""

MovedClips = tuple[tuple[str, ShardId, frozenset[str]], ...]
"""Clips of a shard that an earlier plan had in other shards: (folder that holds such a shard, shard, sample keys)."""


@dataclass(frozen=True, slots=True)
class ShardTask:
    """A shard to make: the hashes of its rows and of all its inputs, the number of rows, and the sounds that other shards keep.

    `replaced` has the keys of the clips whose recordings were replaced since the shard was made: they are fetched again. With `is_checked`
    each sample of the shard that stands is decoded, and copied only if it has the sound that the books record. `tried_again` has the
    reasons of the rows that are fetched again although the shard is finished, `None` for a shard that is not finished. `addresses` has
    the full addresses, by sample key, of clips whose address in the plan is masked. `stands` says whether a file of the shard stands.
    With `needs_slot` one worker makes the shard, after others, because its hosts have limits by time.
    """

    shard: ShardId
    rows_sha256: str
    inputs_sha256: str
    n_rows: int
    in_other_shards: SoundsInOtherShards = ()
    replaced: frozenset[str] = frozenset()
    moved: MovedClips = ()
    is_checked: bool = False
    tried_again: frozenset[Reason] | None = None
    addresses: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    stands: bool = True
    needs_slot: bool = False

    @property
    def is_made_again(self) -> bool:
        """Whether the shard is made again even if it is finished."""
        return bool(self.replaced) or self.is_checked or self.tried_again is not None


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """Settings that all shards of a build share.

    `limits` are those of datasets that are not in `limits_by_dataset`. `n_threads` is the number of threads of each shard; it limits how
    many recordings are in memory at once. `versions` are those of the process that started the build, `worker_versions` says whether
    workers may have others. With `prune` a shard may lose samples whose recordings cannot be fetched any more. `similar` says which of
    similar sounds are left out.
    """

    folder: Folder
    fetcher: Fetcher
    limits: AudioLimits
    limits_by_dataset: dict[str, AudioLimits]
    conversion: int
    n_threads: int
    versions: dict[str, str]
    prune: bool = False
    worker_versions: WorkerVersions = "equal"
    similar: SimilarSounds = "report"

    @property
    def hosts(self) -> HostTable:
        """The limits of hosts."""
        return self.fetcher.settings.budgets.hosts

    @property
    def waits(self) -> bool:
        """Whether a build waits until the budgets of hosts allow the next request."""
        return self.fetcher.settings.budgets.wait

    def stopped_hosts(self, now: float) -> dict[str, float]:
        """Return the hosts that are asked no more for now -> Unix time when they may be asked again."""
        budgets = self.fetcher.settings.budgets
        if not self.folder.is_local:
            return paused_in_slot(self.folder, budgets.hosts, now)
        return paused_hosts(budgets.ledger, budgets.hosts, now)

    def with_ledger(self, ledger: Path) -> BuildSettings:
        """Return the settings with another file for the requests made to hosts."""
        return self._with_budgets(ledger=ledger)

    def without_wait(self) -> BuildSettings:
        """Return the settings of a build that waits for no host."""
        return self._with_budgets(wait=False) if self.waits else self

    def _with_budgets(self, **changes: Any) -> BuildSettings:
        fetching = self.fetcher.settings
        fetching = replace(fetching, budgets=replace(fetching.budgets, **changes))
        return replace(self, fetcher=replace(self.fetcher, settings=fetching))

    def of_shard(self, shard: ShardId) -> BuildSettings:
        """Return the settings for one shard, whose recordings may have been copied for workers."""
        return replace(self, fetcher=self.fetcher.of_shard(shard))

    def elsewhere(self) -> BuildSettings:
        """Return the settings for workers on other machines, which have not the disk of the user."""
        return replace(self, fetcher=self.fetcher.elsewhere(self.folder))

    def limits_of(self, dataset: str) -> AudioLimits:
        """Return the limits of audio of a dataset."""
        return self.limits_by_dataset.get(dataset, self.limits)

    def settings_hash_of(self, dataset: str) -> str:
        """Return the hash of the settings that decide the bytes of the shards of a dataset."""
        return settings_hash(self.conversion, self.limits_of(dataset))


def settings_hash(conversion: int, limits: AudioLimits) -> str:
    """Return the hash of the settings that decide the bytes of the shards of a dataset."""
    return stable_hash(conversion, limits)


def longest_first(tasks: Iterable[ShardTask]) -> list[ShardTask]:
    """Return the tasks with the most rows first: engines start tasks in this order, and the workers so end at about the same time."""
    return sorted(tasks, key=lambda task: (-task.n_rows, task.shard))
