"""Estimate what a build would take, by source, from its plan alone: `plan --dry-run`.

A source whose table is missing is counted by its published size.
"""

from __future__ import annotations

import collections
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.engines.run import Engine
from pipeline.output.plan_files import read_values
from pipeline.output.plan_index import Plan
from pipeline.output.shared_file import SharedRecordings, read_shared
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.verbs.plan import make_plan
from sources import SOURCES
from sources.metadata.held_lists import HeldOut, as_table
from sources.metadata.options import SourceOptions
from sources.metadata.store_files import local_copy
from transforms.fetching.addresses import host_of, scheme_of
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.planning.held_sources import lacking, table_fault

FLAC_BYTES_PER_SECOND = 48_000 * 2 * 0.55
"""16-bit mono at 48 kHz, of which FLAC leaves 55 % at most: 43 % were measured on ESC-10, where many clips end in digital silence
(docs/decisions.md)."""
FETCHED_BYTES_PER_SECOND = {"youtube.com": 128_000 / 8, "freesound.org": 128_000 / 8}
"""Host -> size of a second of what is fetched from it: streams of YouTube and previews of Freesound have about 128 kbit/s."""
OTHER_BYTES_PER_SECOND = 44_100 * 2 * 2
"""The same for other hosts: 16-bit stereo at 44.1 kHz."""

SIZED_BY = ("source", "dataset", "start", "end", "audio_root", "url", "recording")
"""The columns of a plan that an estimate needs."""


@dataclass(frozen=True, slots=True)
class HostLoad:
    """How many recordings a host would be asked for, and how many requests we make to it."""

    name: str
    n_recordings: int
    limits: HostLimits

    @property
    def days(self) -> float | None:
        """The days that the limits of the host make the recordings take; `None` without a limit."""
        by_day = (self.limits.per_day, (self.limits.per_hour or 0) * 24, (self.limits.per_minute or 0) * 24 * 60)
        least = min((requests for requests in by_day if requests), default=None)
        return None if least is None else self.n_recordings / least

    def in_words(self) -> str:
        """Return the limits of the host and the days they make, as the end of a sentence that names the host; nothing without limits."""
        allowed = self.limits.in_words()
        days = f": {self.days:.1f} days" if self.days is not None and self.days >= 0.1 else ""
        return f"; at most {allowed}{days}" if allowed else ""


@dataclass(frozen=True, slots=True)
class SourceEstimate:
    """What one source of a recipe would take.

    `hours` are those of the clips whose length is known before they are fetched, without the `n_without_length` others.
    `is_published` says that the counts are those of the card, since the files in `missing` are not there.
    """

    source: str
    dataset: str
    n_clips: int
    hours: float
    n_without_length: int
    loads: Mapping[str, int]
    is_published: bool = False
    missing: tuple[str, ...] = ()

    @property
    def flac_bytes(self) -> float:
        """The size of the audio in shards, of the hours that are known."""
        return self.hours * 3600 * FLAC_BYTES_PER_SECOND

    @property
    def fetched_bytes(self) -> float:
        """The size of what is fetched, of the hours that are known; nothing for recordings on this disk."""
        n_fetched = sum(self.loads.values())
        if not n_fetched or not self.n_clips:
            return 0.0
        rate = sum(n * FETCHED_BYTES_PER_SECOND.get(host, OTHER_BYTES_PER_SECOND) for host, n in self.loads.items()) / n_fetched
        return self.hours * 3600 * rate * min(n_fetched / self.n_clips, 1.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan holds and would take, by source and by host; `left_out` counts by reason the rows that are in no shard."""

    sources: tuple[SourceEstimate, ...]
    n_shards: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    hosts: tuple[HostLoad, ...] = ()
    shared: tuple[SharedRecordings, ...] | None = None

    @property
    def n_clips(self) -> int:
        """The number of clips of all sources."""
        return sum(source.n_clips for source in self.sources)

    @property
    def hours(self) -> float:
        """The hours of all sources."""
        return sum(source.hours for source in self.sources)

    @property
    def fetched_bytes(self) -> float:
        """The size of what is fetched."""
        return sum(source.fetched_bytes for source in self.sources)

    @property
    def flac_bytes(self) -> float:
        """The size of all shards."""
        return sum(source.flac_bytes for source in self.sources)

    @property
    def n_without_length(self) -> int:
        """The number of clips whose length is not known."""
        return sum(source.n_without_length for source in self.sources)

    @property
    def n_left_out(self) -> int:
        """The number of rows that are in no shard."""
        return sum(self.left_out.values())


def estimate(recipe: BuildRecipe, limit: int | None, engine: Engine) -> Estimate:
    """Plan the sources whose files are there into a temporary folder, and add up what the plan and the other sources' cards say."""
    present = tuple(options for options in recipe.sources if not lacking(options))
    table = HostTable(recipe.hosts)
    published = tuple(published_size(options, limit, table) for options in recipe.sources if options not in present)
    if not present:
        return Estimate(published, _shards_of(published, recipe.shard_size), {}, _hosts(published, table))
    with tempfile.TemporaryDirectory(prefix="laion-audio-") as temporary:
        folder = Folder(temporary)
        plan = make_plan(_planned_part(recipe, present), take_snapshot(folder), limit, engine)
        planned = tuple(_planned_sizes(plan, folder, table))
        shared = read_shared(folder)
    sources = (*planned, *published)
    left_out = sum(map(collections.Counter, plan.left_out.values()), collections.Counter[str]())
    n_shards = len(plan.shards) + _shards_of(published, recipe.shard_size)
    return Estimate(sources, n_shards, dict(sorted(left_out.items())), _hosts(sources, table), shared)


def _planned_part(recipe: BuildRecipe, present: Sequence[SourceOptions]) -> BuildRecipe:
    """Return the recipe of the sources that can be planned, with captions by template: a T5 takes hours, and changes no number here.

    What is held out may stand in a table, or a split of it, that is missing: an entry of `holdout` without rows is no fault here.
    """
    names = {name for options in present for name in (options.source, options.dataset)}
    entries = (as_table(entry, recipe.folder) for entry in recipe.holdout)
    elsewhere = [entry for entry in recipe.held_elsewhere if not table_fault(entry, recipe.folder)]
    held = [replace(entry, allow_empty=True) for entry in entries if _is_there(entry, names, recipe.folder) or entry in elsewhere]
    return recipe.model_copy(update={"captions": "template", "sources": tuple(present), "holdout": tuple(held)})


def _is_there(entry: HeldOut, names: Collection[str], base: Path) -> bool:
    """Return whether an entry of `holdout` names a source that is planned, or a list that is there."""
    return entry.name.partition(":")[0] in names if entry.name is not None else local_copy(base, entry.path or "").is_file()


def published_size(options: SourceOptions, limit: int | None, table: HostTable) -> SourceEstimate:
    """Return the published size of a source whose files are missing: of the splits that its entry names, or of all."""
    card = SOURCES[options.source].CARD
    splits = getattr(options, "splits", None) or tuple(card.parts)
    parts = [card.parts[split] for split in splits if split in card.parts]
    n_all = sum(part.n_clips for part in parts)
    n_clips = n_all if limit is None else min(n_all, limit)
    share = n_clips / n_all if n_all else 0.0
    hours = share * sum(part.hours for part in parts if part.hours is not None)
    unknown = round(share * sum(part.n_clips for part in parts if part.hours is None))
    loads = {table.name_of(card.hosts[0]): n_clips} if card.hosts and options.audio_root is None else {}
    missing = tuple(f"{need.what}: {need.step}" for need in lacking(options))
    return SourceEstimate(options.source, options.dataset, n_clips, hours, unknown, loads, True, missing)


def _planned_sizes(plan: Plan, folder: Folder, table: HostTable) -> Iterator[SourceEstimate]:
    """Yield the size of every source in a plan."""
    clips, unknown = collections.Counter[tuple[str, str]](), collections.Counter[tuple[str, str]]()
    seconds: dict[tuple[str, str], float] = collections.defaultdict(float)
    recordings: dict[tuple[str, str], dict[str, set[str]]] = collections.defaultdict(lambda: collections.defaultdict(set))
    for planned in plan.shards:
        for source, dataset, start, end, audio_root, url, recording in read_values(folder, planned.shard, SIZED_BY):
            of = source, dataset
            clips[of] += 1
            unknown[of] += end is None
            seconds[of] += end - (start or 0.0) if end is not None else 0.0
            if audio_root is None and scheme_of(url) in {"http", "https"}:
                recordings[of][table.name_of(host_of(url))].add(recording)
    for of in sorted(clips):
        loads = {host: len(names) for host, names in sorted(recordings[of].items())}
        yield SourceEstimate(*of, clips[of], seconds[of] / 3600, unknown[of], loads)


def _hosts(sources: Iterable[SourceEstimate], table: HostTable) -> tuple[HostLoad, ...]:
    loads = sum((collections.Counter(source.loads) for source in sources), collections.Counter[str]())
    return tuple(HostLoad(host, n_recordings, table.limits_of(host)) for host, n_recordings in sorted(loads.items()))


def _shards_of(sources: Iterable[SourceEstimate], shard_size: int) -> int:
    return sum(-(-source.n_clips // shard_size) for source in sources)
