"""What a build would take, from its plan alone: `plan --dry-run`."""

from __future__ import annotations

import collections
import tempfile
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.engines.run import Engine
from pipeline.output.plan_files import read_rows_of
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.verbs.plan import make_plan

FLAC_BYTES_PER_SECOND = 48_000 * 2 * 0.55
"""16-bit mono at 48 kHz; FLAC leaves about 55 % of environmental sound (measured on ESC-10, see docs/decisions.md)."""
DAILY = {"freesound.org": 2_000, "youtube.com": 300 * 24, "youtu.be": 300 * 24}
"""Recordings a day that a host is known to grant one user: Freesound's API documentation; yt-dlp's wiki for guests."""


@dataclass(frozen=True, slots=True)
class HostLoad:
    """How many recordings a host would be asked for, and what it grants a day (0: not known)."""

    name: str
    n_recordings: int
    per_day: int

    def in_words(self) -> str:
        """Return how long the host's own budget makes it take."""
        if not self.per_day:
            return ""
        return f": {self.n_recordings / self.per_day:.1f} days at the {self.per_day} a day that it grants"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan holds and would cost."""

    n_clips: int
    n_shards: int
    n_left_out: int
    left_out: dict[str, int]
    hours: float
    n_without_length: int
    flac_bytes: float
    hosts: tuple[HostLoad, ...]


def estimate(recipe: BuildRecipe, limit: int | None, engine: Engine) -> Estimate:
    """Plan a recipe into a folder that is thrown away, and add up what the plan holds."""
    with tempfile.TemporaryDirectory(prefix="laion-audio-") as place:
        folder = Folder(place)
        by_template = recipe.model_copy(update={"captions": "template"})  # text costs a T5 hours, and an estimate nothing
        plan = make_plan(by_template, folder, limit, engine, None)
        seconds, n_without_length = 0.0, 0
        hosts: dict[str, set[str]] = collections.defaultdict(set)
        for planned in plan.shards:
            for clip in read_rows_of(folder, planned.shard):
                if clip.end is None:
                    n_without_length += 1
                else:
                    seconds += clip.end - (clip.start or 0.0)
                if clip.url.startswith(("http://", "https://")):
                    hosts[host_of(clip.url)].add(clip.recording)
    loads = tuple(HostLoad(name, len(recordings), budget(name)) for name, recordings in sorted(hosts.items()))
    left_out: collections.Counter[str] = collections.Counter()
    for counts in plan.left_out.values():
        left_out.update(counts)
    reasons = dict(sorted(left_out.items()))
    return Estimate(
        plan.n_clips, len(plan.shards), plan.n_left_out, reasons, seconds / 3600, n_without_length, seconds * FLAC_BYTES_PER_SECOND, loads
    )


def host_of(url: str) -> str:
    """Return the host of an address, as people write it.

    >>> host_of("https://www.youtube.com/watch?v=x")
    'youtube.com'
    """
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def budget(host: str) -> int:
    """Return how many recordings a day a host grants, 0 where that is not known."""
    return next((count for name, count in DAILY.items() if host == name or host.endswith(f".{name}")), 0)
