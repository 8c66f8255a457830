"""Show how far a build is. It is read from the output folder, so it works with every engine that writes to the folder."""

from __future__ import annotations

import collections
import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pipeline.output.layout import PROGRESS, WORK, marker_name
from pipeline.output.snapshot import KnownMarkers, Snapshot, read_markers
from transforms.shards.shard_task import ShardTask

LOOK_SECONDS, LOOK_SECONDS_OF_STORE = 0.5, 5.0  # between two looks; each is a request to a store, for 1,000 files
LOOK_SHARE = 20  # the pause is at least this many times as long as the last look, because listing a large folder takes seconds
LINE_SECONDS = 5.0  # between two lines when the output is not a terminal


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is: shards done, clips done, rejections by reason."""

    shards: int
    clips: int
    reasons: collections.Counter[str]


class Observer:
    """Observe the shards of one build.

    Args:
        before: the folder before the build, so that only markers replaced since then are read.
    """

    def __init__(self, before: Snapshot, tasks: Sequence[ShardTask]):
        self.folder = before.folder
        self.files = dict(before.files)
        self.waiting = {task.shard: task for task in tasks}
        self.shards = 0
        self.clips = 0
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
                self.reasons.update(marker.reasons)
        clips, reasons = self.clips, self.reasons.copy()
        waiting = {shard.name for shard in self.waiting}
        for report in self._unfinished():
            if report["shard"] in waiting:
                clips += report["done"]
                reasons.update(report["reasons"])
        return BuildProgress(self.shards, clips, reasons)

    def _unfinished(self) -> Iterator[dict]:
        """Yield the reports of workers on this machine about unfinished shards."""
        if self.folder.is_local:
            for path in Path(self.folder.path(WORK)).glob(f"*/{PROGRESS}"):
                with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # published a moment ago
                    yield json.loads(path.read_text())


@contextlib.contextmanager
def watched(before: Snapshot, tasks: Sequence[ShardTask], console: Console) -> Iterator[KnownMarkers]:
    """Show progress while the context lasts: a bar on a terminal, otherwise a line every few seconds.

    Yield the markers that were read: those of before, and those that it reads meanwhile.
    """
    observer = Observer(before, tasks)
    show = _Bar(console, tasks) if console.is_terminal else _Lines(console, tasks)
    finished = threading.Event()

    def follow() -> None:
        pause = least = LOOK_SECONDS if before.folder.is_local else LOOK_SECONDS_OF_STORE
        while not finished.wait(pause):
            began = time.monotonic()
            show(observer.look())
            pause = max(least, LOOK_SHARE * (time.monotonic() - began))

    thread = threading.Thread(target=follow, name="progress", daemon=True)
    with show:
        thread.start()
        try:
            yield observer.known
        finally:
            finished.set()
            thread.join()
            show(observer.look())


class _Bar:
    def __init__(self, console: Console, tasks: Sequence[ShardTask]):
        self.n_shards = len(tasks)
        self.progress = Progress(
            TextColumn("clips"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(show_speed=True),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=console,
        )
        self.bar = self.progress.add_task("", total=sum(task.n_rows for task in tasks))

    def __enter__(self) -> None:
        self.progress.start()

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def __call__(self, current: BuildProgress) -> None:
        description = f"shards {current.shards}/{self.n_shards}  {in_words(current.reasons)}"
        self.progress.update(self.bar, completed=current.clips, description=description)


class _Lines:
    def __init__(self, console: Console, tasks: Sequence[ShardTask]):
        self.console = console
        self.n_shards = len(tasks)
        self.n_clips = sum(task.n_rows for task in tasks)
        self.started = self.last = time.monotonic()
        self.shown: BuildProgress | None = None

    def __enter__(self) -> None:
        self.console.print(f"{self.n_shards} shards, {self.n_clips} clips to make")

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(self, current: BuildProgress) -> None:
        now = time.monotonic()
        if current == self.shown or (now - self.last < LINE_SECONDS and current.shards < self.n_shards):
            return
        self.last, self.shown = now, current
        rate = current.clips / max(now - self.started, 1e-9)
        left = f"{(self.n_clips - current.clips) / rate:.0f} s left" if rate else "waiting for the first clip"
        done = f"shards {current.shards}/{self.n_shards}  clips {current.clips}/{self.n_clips}"
        line = f"{done}  {rate:.1f} clips/s  {left}  {in_words(current.reasons)}"
        self.console.print(line.rstrip(), highlight=False, soft_wrap=True)


def in_words(reasons: collections.Counter[str]) -> str:
    """Return rejections by reason, the most frequent first.

    >>> in_words(collections.Counter({"silent": 1, "timeout": 3}))
    'timeout 3, silent 1'
    """
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
