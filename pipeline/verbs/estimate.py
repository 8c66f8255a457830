"""Estimate what a build would take, from its plan alone: `plan --dry-run`."""

from __future__ import annotations

import collections
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.engines.run import Engine
from pipeline.output.plan_files import read_rows_of
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.records import Clip
from pipeline.verbs.plan import make_plan
from transforms.fetching.addresses import host_of, scheme_of
from transforms.fetching.hosts import HostLimits, HostTable

FLAC_BYTES_PER_SECOND = 48_000 * 2 * 0.55
"""16-bit mono at 48 kHz, of which FLAC leaves 55 % at most: 43 % were measured on ESC-10, where many clips end in digital silence
(docs/decisions.md)."""


@dataclass(frozen=True, slots=True)
class HostLoad:
    """How many recordings a host would be asked for, and what it is known to allow."""

    name: str
    n_recordings: int
    limits: HostLimits

    def in_words(self) -> str:
        """Return what the host allows, as the end of a sentence that names the host and the recordings; nothing where not known."""
        allowed = self.limits.in_words()
        return f"; at most {allowed}" if allowed else ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan holds and would cost. `hours` and `flac_bytes` are of the clips whose length is known before they are fetched."""

    n_clips: int
    n_shards: int
    n_left_out: int
    left_out: dict[str, int]
    hours: float
    n_without_length: int
    flac_bytes: float
    hosts: tuple[HostLoad, ...]


def estimate(recipe: BuildRecipe, limit: int | None, engine: Engine) -> Estimate:
    """Plan a recipe into a temporary folder, and add up what the plan holds."""
    with tempfile.TemporaryDirectory(prefix="laion-audio-") as temporary:
        folder = Folder(temporary)
        by_template = recipe.model_copy(update={"captions": "template"})  # a T5 takes hours, and its captions change no number here
        plan = make_plan(by_template, take_snapshot(folder), limit, engine)
        left_out = sum(map(collections.Counter, plan.left_out.values()), collections.Counter[str]())
        seconds, n_without_length = 0.0, 0
        table = HostTable(recipe.hosts)
        recordings: dict[str, set[str]] = collections.defaultdict(set)
        for planned in plan.shards:
            clips = read_rows_of(folder, planned.shard)
            seconds += sum(clip.end - (clip.start or 0.0) for clip in clips if clip.end is not None)
            n_without_length += sum(clip.end is None for clip in clips)
            _add_recordings(recordings, clips, table)
    return Estimate(
        n_clips=plan.n_clips,
        n_shards=len(plan.shards),
        n_left_out=plan.n_left_out,
        left_out=dict(sorted(left_out.items())),
        hours=seconds / 3600,
        n_without_length=n_without_length,
        flac_bytes=seconds * FLAC_BYTES_PER_SECOND,
        hosts=tuple(HostLoad(host, len(names), table.limits_of(host)) for host, names in sorted(recordings.items())),
    )


def _add_recordings(recordings: dict[str, set[str]], clips: Iterable[Clip], table: HostTable) -> None:
    """Add the recordings of clips to those of the host that limits their downloads."""
    for clip in clips:
        if scheme_of(clip.url) in {"http", "https"}:
            recordings[table.name_of(host_of(clip.url))].add(clip.recording)
