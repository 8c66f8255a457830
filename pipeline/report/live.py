"""Show how far a build is while it runs: a live view on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from pipeline.counted import counted
from pipeline.output.damage import DamagedFileError
from pipeline.output.snapshot import KnownMarkers, Snapshot
from pipeline.report.progress import BuildProgress, Follower, Observer, in_words
from transforms.fetching.limits.budgets import BudgetSettings
from transforms.fetching.limits.host_states import HostState, for_people, host_states
from transforms.shards.shard_task import ShardTask

LOOK_SECONDS, LOOK_SECONDS_OF_STORE = 0.5, 5.0  # between two looks; each is a request to a store, for 1,000 files
LOOK_SHARE = 20  # the pause is at least this many times as long as the last look, because listing a large folder takes seconds
LINE_SECONDS = 5.0  # between two lines when the output is not a terminal
MAX_HOSTS = 8  # lines

Hosts = Callable[[], list[HostState]]


@contextlib.contextmanager
def watched(
    before: Snapshot, tasks: Sequence[ShardTask], console: Console, budgets: BudgetSettings | None = None
) -> Iterator[KnownMarkers]:
    """Show progress while the context lasts. Yield the markers that were read: those of before, and those that it reads meanwhile.

    Args:
        budgets: where the requests to hosts are counted, if they are shown.
    """
    observer = Observer(before, tasks)
    show = _show(observer, console, budgets)
    finished = threading.Event()

    def follow() -> None:
        pause = least = _least_pause(before)
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


def follow_build(before: Snapshot, console: Console, budgets: BudgetSettings | None = None) -> Snapshot:
    """Show the progress of another process until every planned shard is built; return the snapshot of the end."""
    follower = Follower(before)
    with _show(follower, console, budgets) as show:
        while True:
            began = time.monotonic()
            show(follower.look())
            if follower.is_complete:
                return follower.snapshot
            time.sleep(max(_least_pause(before), LOOK_SHARE * (time.monotonic() - began)))


def _least_pause(snapshot: Snapshot) -> float:
    return LOOK_SECONDS if snapshot.folder.is_local else LOOK_SECONDS_OF_STORE


def _show(observer: Observer | Follower, console: Console, budgets: BudgetSettings | None) -> _Display | _Lines:
    def hosts() -> list[HostState]:
        try:
            return host_states(budgets)[:MAX_HOSTS] if budgets is not None else []
        except (DamagedFileError, OSError):  # the build itself says what is wrong with the file
            return []

    return (_Display if console.is_terminal else _Lines)(observer, console, hosts)


class _Display:
    """A bar, a line of rates and reasons, and a line for each host."""

    def __init__(self, observer: Observer | Follower, console: Console, hosts: Hosts):
        self.observer = observer
        self.hosts = hosts
        columns = (TextColumn("clips"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(show_speed=True), TimeRemainingColumn())
        self.progress = Progress(*columns, console=console)
        self.bar = self.progress.add_task("", total=observer.n_clips)
        self.live = Live(self.progress, console=console, auto_refresh=False)
        self.rate = _Rate(observer.first)

    def __enter__(self) -> _Display:
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.stop()

    def __call__(self, current: BuildProgress) -> None:
        self.progress.update(self.bar, completed=current.clips, total=self.observer.n_clips)
        facts = [f"shards {current.shards}/{self.observer.n_shards}", self.rate.in_words(current), in_words(current.reasons)]
        now = time.time()
        lines = ["  ".join(filter(None, facts)), *(f"  {state.in_words(now)}" for state in self.hosts())]
        self.live.update(Group(self.progress, *map(Text, lines)), refresh=True)


class _Lines:
    """A line every few seconds, and never the same twice."""

    def __init__(self, observer: Observer | Follower, console: Console, hosts: Hosts):
        self.observer = observer
        self.console = console
        self.hosts = hosts
        self.rate = _Rate(observer.first)
        self.last = time.monotonic()
        self.shown: BuildProgress | None = None

    def __enter__(self) -> _Lines:
        self.console.print(f"{counted(self.observer.n_shards, 'shard')}, {counted(self.observer.n_clips, 'clip')} to make", highlight=False)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(self, current: BuildProgress) -> None:
        now, n_clips = time.monotonic(), self.observer.n_clips
        if current == self.shown or (now - self.last < LINE_SECONDS and current.shards < self.observer.n_shards):
            return
        self.last, self.shown = now, current
        done = f"shards {current.shards}/{self.observer.n_shards}  clips {current.clips}/{n_clips}"
        closed = [state.in_words(time.time()) for state in self.hosts() if state.closed is not None and state.closed.is_long]
        facts = (done, self.rate.in_words(current), self.rate.left(current, n_clips), in_words(current.reasons), *closed)
        self.console.print("  ".join(filter(None, facts)), highlight=False, soft_wrap=True, markup=False)


class _Rate:
    """Clips a second, and hours of audio an hour, since the first look."""

    def __init__(self, first: BuildProgress) -> None:
        self.began = time.monotonic()
        self.first = first

    def in_words(self, current: BuildProgress) -> str:
        seconds = max(time.monotonic() - self.began, 1e-9)
        clips, audio = current.clips - self.first.clips, current.seconds - self.first.seconds
        return f"{clips / seconds:.1f} clips/s  {audio / seconds:.1f} hours/h"

    def left(self, current: BuildProgress, n_clips: int) -> str:
        """Return the time that is left at this rate."""
        done = current.clips - self.first.clips
        if not done:
            return "waiting for the first clip" if current.clips < n_clips else ""
        return f"{for_people((time.monotonic() - self.began) * (n_clips - current.clips) / done)} left"
