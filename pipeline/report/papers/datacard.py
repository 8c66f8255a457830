"""Write DATACARD.md: the card of a set, with the front matter that the Hugging Face hub and its `datasets` read."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from pipeline.output.folder_readme import config_lines, first_split
from pipeline.output.layout import ATTRIBUTION
from pipeline.output.snapshot import Snapshot
from pipeline.report.papers.croissant import ORIGINS
from pipeline.report.papers.facts import DatasetFacts
from pipeline.report.papers.leaks_section import leaks_lines
from pipeline.report.papers.licenses import all_of, hub_licenses, may_be_passed_on
from pipeline.report.papers.markdown import plain, table
from pipeline.report.papers.state import SetState
from pipeline.report.papers.training_summary import summary_lines
from transforms.fetching.web.opt_outs import SIGNALS

OURS = "<!-- Written by `laion-audio papers`. -->"
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")
"""Size categories of the hub: of less than 1,000 clips, and each of ten times as many as the one before."""
LOAD = """\
    from datasets import load_dataset

    clips = load_dataset("PATH", split="{split}", streaming=True)  # PATH: this folder, or the name of its repository"""


def datacard(name: str, snapshot: Snapshot, state: SetState, facts: Sequence[DatasetFacts], summary: Mapping[str, Any]) -> str:
    """Return the text of DATACARD.md.

    Args:
        name: of the recipe.
        summary: as `training_summary` returns it.
    """
    filled = sorted(shard for shard, marker in snapshot.markers.items() if marker.n_samples)
    front = [yaml.safe_dump(_metadata(name, facts), sort_keys=False, allow_unicode=True).rstrip(), *config_lines(filled, snapshot.markers)]
    sections = (
        [f"# {plain(name)}", *_introduction(facts, state)],
        ["## Load it", LOAD.format(split=first_split(filled))],
        ["## Datasets", *_datasets(facts)],
        ["## Licences", *_licenses(facts)],
        ["## Captions", *_captions(facts)],
        ["## Leaks", *leaks_lines(snapshot)],
        ["## What hosts say about the use of recordings", *_signals(facts)],
        ["## Summary of training content", *summary_lines(dict(summary))],
    )
    body = "\n\n".join("\n".join([title, "", *lines]) for title, *lines in sections)
    return "\n".join(["---", *front, "---", OURS, "", body, ""])


def _metadata(name: str, facts: Sequence[DatasetFacts]) -> dict[str, Any]:
    """Return the front matter without the files of the splits."""
    licenses = hub_licenses(license for each in facts for license in each.licenses)
    n_clips = sum(each.n_clips for each in facts)
    metadata: dict[str, Any] = {"pretty_name": name, "license": licenses}
    if licenses == ["other"]:
        metadata |= {"license": "other", "license_name": "one-for-each-recording"}  # a link to a file of ours is none that the hub knows
    return metadata | {
        "task_categories": ["audio-classification", "text-to-audio"],
        "tags": ["audio", "audio-captioning", "clap", "webdataset", "laion-audio"],
        "size_categories": [SIZES[min(max(len(str(n_clips)) - 3, 0), len(SIZES) - 1)]],
    }


def _introduction(facts: Sequence[DatasetFacts], state: SetState) -> Iterator[str]:
    clips, hours = sum(each.n_clips for each in facts), math.fsum(each.hours for each in facts)
    yield f"{clips:,} recordings with captions, {hours:,.2f} hours: 48 kHz mono 16-bit FLAC and JSON in WebDataset shards."
    yield ""
    yield f"Made from the plan `{state.plan_sha256[:12]}`, shards `{state.shards_sha256[:12]}`: papers.json has both hashes in full."


def _datasets(facts: Sequence[DatasetFacts]) -> list[str]:
    rows = []
    for each in facts:
        splits = ", ".join(f"{split} {count:,}" for split, count in sorted(each.splits.items()))
        rows.append((each.name, each.card.title if each.card else "", splits, f"{each.hours:,.2f}", all_of(each.licenses)))
    return table(("dataset", "source", "clips by split", "hours", "licence"), rows)


def _licenses(facts: Sequence[DatasetFacts]) -> Iterator[str]:
    counts = sum((each.licenses for each in facts), collections.Counter[str]())
    yield f"As SPDX licence expressions. The whole set: {plain(all_of(counts))}. `{ATTRIBUTION}` names title, creator, licence and address"
    yield "of every recording. Excerpts were cut, mixed to mono, resampled and encoded as FLAC: these are changes to the recordings."
    yield ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [(license, f"{count:,}", "yes" if may_be_passed_on(license) else "not by anybody") for license, count in ordered]
    yield from table(("licence", "clips", "may be passed on"), rows)


def _captions(facts: Sequence[DatasetFacts]) -> Iterator[str]:
    origins = sum((each.origins for each in facts), collections.Counter[str]())
    yield from table(
        ("origin", "how it was made", "captions"), [(each, ORIGINS.get(each, ""), f"{n:,}") for each, n in sorted(origins.items())]
    )
    models = sum((each.models for each in facts), collections.Counter[str]())
    if models:
        yield from ("", *table(("model", "captions"), [(model, f"{n:,}") for model, n in sorted(models.items())]))


def _signals(facts: Sequence[DatasetFacts]) -> Iterator[str]:
    answers = sum((each.answers for each in facts), collections.Counter[str]())
    signals = sum((each.signals for each in facts), collections.Counter[str]())
    yield f"Recorded for {answers['recorded']:,} clips that hosts sent, with the time, in `N_evidence.parquet` beside the books."
    yield f"{answers['asked again']:,} were asked again since."
    yield ""
    yield from table(("signal", "what it says", "clips"), [(name, text, f"{signals[name]:,}") for name, text in SIGNALS.items()])
