"""Choose what a new shard copies: from the shard that stands under its name, and from shards whose clips moved to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.output.moved_shards import held_folder
from pipeline.output.storage import Folder
from pipeline.records import TRANSIENT, Clip, Reason, Rejection, Sample
from transforms.shards.previous_shard import PreviousShard, read_previous_shard
from transforms.shards.shard_task import ShardTask


@dataclass(frozen=True, slots=True)
class EarlierOutcomes:
    """The outcomes that a new shard can copy: sample key -> the shard that has it. `samples` are the keys of all samples that stand.

    `has_evidence` says that a file of evidence stands, which may be damaged.
    """

    reusable: dict[str, PreviousShard]
    samples: frozenset[str]
    has_evidence: bool = False

    def outcome(self, clip: Clip) -> Sample | Rejection:
        """Return the outcome of a clip whose key is in `reusable`, with the text of `clip`."""
        return self.reusable[clip.key].outcome(clip)

    def lost(self, outcomes: Iterable[Mapping[str, Any]]) -> dict[str, Reason]:
        """Return the keys of samples that stand and would be lost because their recordings cannot be fetched now, and why not.

        Args:
            outcomes: rows of the new books; `stage` and `reason` are missing for a sample.
        """
        return {row["key"]: Reason(row["reason"]) for row in outcomes if row.get("stage") == "fetch" and row["key"] in self.samples}


def read_earlier_outcomes(task: ShardTask, clips: Sequence[Clip], settings_hash: str, folder: Folder, work: Path) -> EarlierOutcomes:
    """Return what a new shard can copy; the shard under its own name comes first.

    Args:
        clips: the rows of the shard, in order.
        settings_hash: hash of the settings of the dataset.
        work: local folder for FLAC that is too long for memory.
    """
    in_other_shards, wanted = dict(task.in_other_shards), {clip.key for clip in clips}
    reusable: dict[str, PreviousShard] = {}
    samples: set[str] = set()
    has_evidence = False
    for shard, keys in _sources(task, wanted, folder, work):
        has_evidence |= shard.has_evidence
        samples |= shard.samples & keys
        usable = shard.reusable(clips, settings_hash, in_other_shards, task.replaced, task.tried_again or TRANSIENT)
        reusable = dict.fromkeys(usable & keys, shard) | reusable
    return EarlierOutcomes(reusable, frozenset(samples), has_evidence)


def _sources(task: ShardTask, wanted: Set[str], folder: Folder, work: Path) -> Iterable[tuple[PreviousShard, Set[str]]]:
    """Yield each shard that may have outcomes, with the keys that are to be looked for in it."""
    if task.stands:
        yield read_previous_shard(folder, task.shard, work, task.is_checked), wanted
    for below, shard, keys in task.moved:
        yield read_previous_shard(held_folder(folder, below), shard, work), keys & wanted
