"""Describe the chosen samples for the report: text and provenance from plan and books, what is seen and heard from the tar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.masking import mask_address
from pipeline.output.damage import DamagedFileError
from pipeline.output.plan_files import read_rows_of
from pipeline.output.storage import Folder
from pipeline.records import Caption, Clip, ShardId
from pipeline.report.html.book_facts import decibels
from pipeline.report.html.chosen import ChosenSample
from pipeline.report.html.media import Media, media_of
from pipeline.report.html.shown import link

MAX_CAPTIONS = 6  # of a sample
MAX_LABELS = 12


@dataclass(frozen=True, slots=True)
class SampleCard:
    """A sample as the report shows it; `row` is its row in the books."""

    shard: ShardId
    row: Mapping[str, Any]
    captions: Sequence[Caption]
    labels: Sequence[str]
    media: Media

    @property
    def url(self) -> str:
        """The address of the recording, without secrets."""
        return mask_address(self.row["url"])

    @property
    def link(self) -> str:
        """The address if it may be followed, else ""."""
        return link(self.row["url"])

    @property
    def level(self) -> float:
        """The level in dB of full scale."""
        return float(decibels(self.row["rms"]))


def sample_cards(folder: Folder, chosen: Sequence[ChosenSample]) -> list[SampleCard]:
    """Return the cards of the chosen samples, in their order; without text where the plan cannot be read."""
    clips: dict[ShardId, dict[str, Clip]] = {}
    cards = []
    for sample in chosen:
        if sample.shard not in clips:
            clips = {sample.shard: _clips(folder, sample.shard)}  # they are in order of shards
        clip = clips[sample.shard].get(sample.row["key"])
        captions, labels = (clip.captions, clip.labels) if clip is not None else ((), ())
        cards.append(SampleCard(sample.shard, sample.row, captions, labels, media_of(folder, sample)))
    return cards


def _clips(folder: Folder, shard: ShardId) -> dict[str, Clip]:
    try:
        return {clip.key: clip for clip in read_rows_of(folder, shard)}
    except (DamagedFileError, FileNotFoundError):
        return {}
