"""Collect what the report shows, from the plan, the markers and the books of a folder. Audio is read of the shown samples alone."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.keys import stable_hash
from pipeline.output.damage import DamagedFileError
from pipeline.output.json_values import mapping, text
from pipeline.output.layout import BUILD, RECIPE
from pipeline.output.leaks_file import Certificate, checked_certificate
from pipeline.output.plan_index import Plan
from pipeline.output.shared_file import SharedRecordings, read_shared
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.toml import parse_toml
from pipeline.records import Reason
from pipeline.report.html.book_facts import BookFacts, read_book_facts
from pipeline.report.html.charts import Bar, bars
from pipeline.report.html.chosen import choose
from pipeline.report.html.flow import Flow, flow
from pipeline.report.html.labels import count_labels
from pipeline.report.html.sample_cards import SampleCard, sample_cards
from pipeline.report.html.text_section import TextSection, text_section
from pipeline.report.leaks_table import certificate_lines
from pipeline.report.text_facts import text_facts
from pipeline.verbs.made_with import other_versions
from pipeline.verbs.similar import Similar, by_splits, find_similar, leaking_splits
from pipeline.verbs.status import Books, read_the_books, unreadable_markers

MAX_TEXT_SHARDS = 1_000
"""Shards whose captions are read: half a million clips of 512 a shard, enough for shares to 0.2 percent, in a few seconds."""

MAX_COMPARED = 10_000
"""Samples up to which the report compares fingerprints, in a few seconds; `laion-audio similar` compares any number."""


@dataclass(frozen=True, slots=True)
class SplitRow:
    """A split of a dataset: its shards, samples, seconds of audio, and bytes of tars."""

    name: str
    n_planned: int
    n_built: int
    n_samples: int
    seconds: float
    n_bytes: int


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """A reason with the number of rows of each dataset that have it, the most first."""

    reason: str
    is_transient: bool
    bar: Bar
    datasets: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Content:
    """What the report shows. `faults` names every file that cannot be read; what stands in it is missing from the report."""

    name: str
    books: Books
    plan: Plan
    splits: Sequence[SplitRow]
    flow: Flow
    reasons: Sequence[ReasonRow]
    facts: BookFacts
    text: TextSection | None
    text_plan: Plan
    labels: Counter[str]
    shared: Sequence[SharedRecordings]
    similar: Sequence[Similar] | None
    leaks: Certificate | None
    leaks_are_old: bool
    samples: Sequence[SampleCard]
    made_with: Sequence[tuple[str, str]]
    other_versions: Sequence[str]
    faults: Sequence[str]

    @property
    def similar_splits(self) -> list[tuple[tuple[str, str], int, bool]]:
        """The pairs of splits that have samples that sound alike: how many pairs of samples, and whether they are leaks."""
        similar = self.similar or ()
        leaks = leaking_splits(similar)
        return [(splits, count, splits in leaks) for splits, count in by_splits(similar).items()]

    @property
    def leak_lines(self) -> list[str]:
        """The clips that leak, and what was not compared."""
        return [] if self.leaks is None else list(certificate_lines(self.leaks))


def content_of(snapshot: Snapshot) -> Content:
    """Return what the report of a folder shows. The folder has a plan; of shards that are not built it has no more than the plan."""
    assert snapshot.plan is not None
    folder, plan, books = snapshot.folder, snapshot.plan, read_the_books(snapshot)
    markers = {planned.shard: marker for planned in plan.shards if (marker := snapshot.current_marker(planned)) is not None}
    facts = read_book_facts(folder, list(markers))
    faults = [*unreadable_markers(snapshot), *facts.damaged]
    words, labels, leaks, read = None, Counter[str](), None, plan_of_text(plan)
    try:
        leaks = checked_certificate(folder)
    except DamagedFileError as error:
        faults.append(str(error))
    except FileNotFoundError:
        pass  # nothing was compared yet
    try:
        words, labels = text_section(text_facts(folder, read)), count_labels(folder, (planned.shard for planned in read.shards))
    except (DamagedFileError, FileNotFoundError) as error:
        faults.append(f"the text of the plan is missing from the report: {error}")
    return Content(
        name=_name(folder),
        books=books,
        plan=plan,
        splits=list(_splits(snapshot)),
        flow=flow(books),
        reasons=_reasons(books),
        facts=facts,
        text=words,
        text_plan=read,
        labels=labels,
        shared=read_shared(folder) or (),
        similar=_similar(snapshot, books),
        leaks=leaks,
        leaks_are_old=leaks is not None and not leaks.is_current(snapshot),
        samples=sample_cards(folder, choose(folder, markers)),
        made_with=_made_with(folder),
        other_versions=list(other_versions(books.made_with)),
        faults=faults,
    )


def plan_of_text(plan: Plan) -> Plan:
    """Return the part of a plan whose text is read: of more than `MAX_TEXT_SHARDS` shards those that the hash of their names chooses."""
    if len(plan.shards) <= MAX_TEXT_SHARDS:
        return plan
    chosen = sorted(plan.shards, key=lambda planned: stable_hash(planned.shard.name))[:MAX_TEXT_SHARDS]
    return dataclasses.replace(plan, shards=tuple(sorted(chosen, key=lambda planned: planned.shard)))


def _similar(snapshot: Snapshot, books: Books) -> list[Similar] | None:
    """Return the samples that sound alike; `None` where there are too many to compare here, or books that cannot be read."""
    try:
        return find_similar(snapshot) if books.total.samples <= MAX_COMPARED else None
    except (DamagedFileError, FileNotFoundError):
        return None  # the page says that they were not compared


def _splits(snapshot: Snapshot) -> Iterator[SplitRow]:
    assert snapshot.plan is not None
    by_split: dict[str, list[Any]] = {}
    for planned in snapshot.plan.shards:
        by_split.setdefault(planned.shard.folder, []).append(snapshot.current_marker(planned))
    for name, markers in by_split.items():
        built = [marker for marker in markers if marker is not None]
        n_samples, seconds = sum(marker.n_samples for marker in built), sum(marker.audio_seconds for marker in built)
        yield SplitRow(name, len(markers), len(built), n_samples, seconds, sum(marker.tar.bytes for marker in built))


def _reasons(books: Books) -> list[ReasonRow]:
    ordered = bars(books.total.reasons, limit=len(Reason))
    return [
        ReasonRow(bar.name, bar.name in set(Reason) and Reason(bar.name).transient, bar, _datasets_with(books, bar.name)) for bar in ordered
    ]


def _datasets_with(books: Books, reason: str) -> list[tuple[str, int]]:
    counts = ((name, counts.reasons[reason]) for name, counts in books.datasets.items())
    return sorted(((name, count) for name, count in counts if count), key=lambda item: (-item[1], item[0]))


def _name(folder: Folder) -> str:
    """Return the name of the recipe that the folder was built from; "" where there is none yet."""
    try:
        return text(parse_toml(folder.read(RECIPE)).get("name", ""), "name")
    except (DamagedFileError, FileNotFoundError, ValueError):
        return ""


def _made_with(folder: Folder) -> list[tuple[str, str]]:
    """Return what build.json says, as names and texts; nothing where the build is not finished, or the file is damaged."""
    try:
        build = mapping(folder.read_json(BUILD), BUILD)
    except (DamagedFileError, FileNotFoundError, ValueError):
        return []
    command, versions = build.get("command"), build.get("versions")
    texts = {
        "command": " ".join(map(str, command)) if isinstance(command, list) else "",
        "commit": str(build.get("commit") or ""),
        "engine": str(build.get("engine") or ""),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()) if isinstance(versions, dict) else "",
    }
    return [(name, value) for name, value in texts.items() if value]
