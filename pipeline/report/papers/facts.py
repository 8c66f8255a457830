"""Count what papers say of a set: clips, hours, licences, hosts, captions by origin, and what hosts state about the use of recordings."""

from __future__ import annotations

import collections
from dataclasses import dataclass, field

from pipeline.report.papers.clips import PaperClip
from sources import SOURCES
from sources.metadata.card import Card
from transforms.fetching.web.opt_outs import signals_of

Counts = collections.Counter[str]


@dataclass(frozen=True)
class DatasetFacts:
    """The counts of a dataset. Only `add` changes them.

    `splits` counts clips, and `seconds` their duration, by split; `licenses` counts clips by SPDX expression, `origins` captions by origin,
    `models` captions by the model that wrote them, `hosts` recordings and `host_bytes` their bytes by host.
    `lacking` counts clips without a title, creator, address or licence; `signals` the clips whose hosts are against their use, by
    the signal; `answers` those of which it is recorded what the host answered. `times` are the first and last day of that, as "2026-11-28".
    """

    name: str
    sources: Counts = field(default_factory=Counts)
    splits: Counts = field(default_factory=Counts)
    seconds: dict[str, float] = field(default_factory=dict)
    licenses: Counts = field(default_factory=Counts)
    origins: Counts = field(default_factory=Counts)
    models: Counts = field(default_factory=Counts)
    hosts: Counts = field(default_factory=Counts)
    host_bytes: Counts = field(default_factory=Counts)
    lacking: Counts = field(default_factory=Counts)
    signals: Counts = field(default_factory=Counts)
    answers: Counts = field(default_factory=Counts)
    times: set[str] = field(default_factory=set)

    def add(self, clip: PaperClip) -> None:
        """Count a clip."""
        self.sources[clip.source] += 1
        self.splits[clip.shard.split] += 1
        self.seconds[clip.shard.split] = self.seconds.get(clip.shard.split, 0.0) + clip.seconds
        self.licenses[clip.license] += 1
        for origin, model in clip.captions:
            self.origins[origin] += 1
            if model:
                self.models[model] += 1
        if clip.host:
            self.hosts[clip.host] += 1
            self.host_bytes[clip.host] += clip.n_bytes
        values = {"title": clip.title, "creator": clip.creator, "address": clip.url, "licence": clip.license_given}
        self.lacking.update(name for name, value in values.items() if not value)
        if clip.evidence is not None:
            self.answers["recorded"] += 1
            self.answers["asked again"] += clip.evidence.again is not None
            self.signals.update(signals_of(clip.evidence))
            self._note_time(clip.evidence.fetched_at)

    def _note_time(self, time: str) -> None:
        """Keep the first and the last day of all times."""
        if day := time[:10]:
            days = sorted({*self.times, day})
            self.times.clear()
            self.times.update({days[0], days[-1]})

    @property
    def n_clips(self) -> int:
        """Number of clips."""
        return self.splits.total()

    @property
    def hours(self) -> float:
        """Hours of audio."""
        return sum(self.seconds.values()) / 3600

    @property
    def n_fetched(self) -> int:
        """Number of clips whose recordings a host sent; the others were on a disk of the user."""
        return self.hosts.total()

    @property
    def card(self) -> Card | None:
        """What is known of its source; `None` for a source that this version does not have."""
        name = min(self.sources, key=lambda source: (-self.sources[source], source), default="")
        return SOURCES[name].CARD if name in SOURCES else None
