"""Read how far a build is from its output folder, so that it works with every engine that writes to the folder."""

from __future__ import annotations

import collections
import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.output.layout import PROGRESS, WORK, marker_name
from pipeline.output.snapshot import Snapshot, read_markers, take_snapshot
from pipeline.output.storage import Folder
from transforms.shards.shard_task import ShardTask


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is: shards and clips done, seconds of audio of these clips, rejections by reason."""

    shards: int
    clips: int
    seconds: float = 0.0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)


class Observer:
    """Observe the shards of one build.

    Args:
        before: the folder before the build, so that only markers replaced since then are read.
    """

    def __init__(self, before: Snapshot, tasks: Sequence[ShardTask]):
        self.folder = before.folder
        self.files = dict(before.files)
        self.waiting = {task.shard: task for task in tasks}
        self.n_shards = len(tasks)
        self.n_clips = sum(task.n_rows for task in tasks)
        self.first = BuildProgress(0, 0)
        self.shards = 0
        self.clips = 0
        self.seconds = 0.0
        self.reasons: collections.Counter[str] = collections.Counter()
        self.known = dict(before.known())

    def look(self) -> BuildProgress:
        """Return how far the build is now. Costs one listing and a read of every new marker."""
        files = self.folder.listing()
        names = {shard: marker_name(shard) for shard in self.waiting}
        changed = [shard for shard, name in names.items() if name in files and files[name] != self.files.get(name)]
        self.files = files
        for shard, marker in read_markers(self.folder, changed)[0].items():
            self.known[shard] = files[names[shard]], marker
            if marker.inputs_sha256 == self.waiting[shard].inputs_sha256:
                del self.waiting[shard]
                self.shards += 1
                self.clips += marker.n_planned
                self.seconds += marker.audio_seconds
                self.reasons.update(marker.reasons)
        done = BuildProgress(self.shards, self.clips, self.seconds, self.reasons)
        return _with_unfinished(done, self.folder, {shard.name for shard in self.waiting})


class Follower:
    """Follow the build of another process, from what its folder holds.

    Args:
        before: the folder at the beginning; it has a plan.
    """

    def __init__(self, before: Snapshot):
        self.snapshot = before
        self.n_shards = self.n_clips = self.n_built = 0
        self.first = self.look()

    @property
    def is_complete(self) -> bool:
        """Whether every planned shard was built at the last look."""
        return self.n_built == self.n_shards

    def look(self) -> BuildProgress:
        """Return how far the folder is now; rows that were left out of the plan are not counted."""
        self.snapshot = take_snapshot(self.snapshot.folder, known=self.snapshot.known())
        plan, folder = self.snapshot.plan, self.snapshot.folder
        assert plan is not None
        markers = {planned.shard: self.snapshot.current_marker(planned) for planned in plan.shards}
        self.n_shards, self.n_clips = len(plan.shards), plan.n_clips
        done = [marker for marker in markers.values() if marker is not None]
        self.n_built = len(done)
        reasons = sum((collections.Counter(marker.reasons) for marker in done), collections.Counter[str]())
        seconds = sum(marker.audio_seconds for marker in done)
        progress = BuildProgress(len(done), sum(marker.n_planned for marker in done), seconds, reasons)
        return _with_unfinished(progress, folder, {shard.name for shard, marker in markers.items() if marker is None})


def _with_unfinished(done: BuildProgress, folder: Folder, waiting: set[str]) -> BuildProgress:
    """Add what workers on this machine report of shards that are not finished."""
    clips, seconds, reasons = done.clips, done.seconds, done.reasons.copy()
    for report in _reports(folder):
        if report["shard"] in waiting:
            clips += report["done"]
            seconds += report["seconds"]
            reasons.update(report["reasons"])
    return BuildProgress(done.shards, clips, seconds, reasons)


def _reports(folder: Folder) -> Iterator[dict[str, Any]]:
    if folder.is_local:
        for path in Path(folder.path(WORK)).glob(f"*/{PROGRESS}"):
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # published a moment ago
                yield json.loads(path.read_text())


def in_words(reasons: collections.Counter[str]) -> str:
    """Return rejections by reason, the most frequent first.

    >>> in_words(collections.Counter({"silent": 1, "timeout": 3}))
    'timeout 3, silent 1'
    """
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
