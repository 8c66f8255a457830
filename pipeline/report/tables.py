"""Make tables of books, estimates and sources for a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pipeline.verbs.checklist import CheckedNeed
    from pipeline.verbs.estimate import Estimate
    from pipeline.verbs.status import Books, DatasetCounts
    from sources.metadata.card import Card
    from sources.metadata.source import Source

FEW = 3  # files of a source that are got alike and have a line each; more are folded into one


def books_table(books: Books) -> Table:
    """Return the books as a table: one row for each dataset, with rejections by reason."""
    title = f"shards {books.shards_done}/{books.shards_planned}   {books.seconds / 3600:.3f} h   {readable_bytes(books.bytes)}"
    table = Table(title=title, title_justify="left", caption_justify="left")
    for name in ("dataset", "planned", "samples", "rejections", "waiting"):
        table.add_column(name, justify="left" if name == "dataset" else "right")
    table.add_column("by reason")
    for name, counts in sorted(books.datasets.items()):
        table.add_row(name, *_cells(counts))
    if len(books.datasets) > 1:
        table.add_section()
        table.add_row("all", *_cells(books.total))
    table.caption = (
        "the books balance: every planned row is one sample or one rejection" if books.balance else "the books do not balance yet"
    )
    if books.left:
        table.caption += f"\nleft for later: {', '.join(f'{host} {count}' for host, count in sorted(books.left.items()))}; build goes on"
    return table


def sources_table(sources: Mapping[str, Source[Any]]) -> Table:
    """Return the sources as a table, by kind: what each is, and what it needs. It is readable in 100 columns."""
    from sources.metadata.card import Kind  # the package of all sources is slow to import, and most commands need no table of them

    table = Table(box=SIMPLE_HEAD, caption="known faults, and every step: docs/sources.md; as JSON: --json", caption_justify="left")
    table.add_column("source", no_wrap=True)
    table.add_column("what it is; its licence; what you bring; where its text comes from; what is dead")
    for kind in Kind:
        names = [name for name, module in sources.items() if module.CARD.kind == kind]
        if names:
            table.add_section()
            table.add_row("", Text(str(kind), "bold"))
        for name in names:
            table.add_row(name, Text("\n".join(_card_lines(sources[name].CARD))))
    return table


def _card_lines(card: Card) -> list[str]:
    """Return a card in lines, without its faults."""
    named = {"licence": card.license, "bring": card.bring, "text": card.text, "dead": card.dead}
    return [". ".join(filter(None, (card.title, card.size))), *(f"{name}: {text}" for name, text in named.items() if text)]


def checklist_table(needs: Iterable[CheckedNeed]) -> Table:
    """Return what the sources of a recipe need as a table to work through; many files of one source that are got alike are one line."""
    table = Table(show_lines=True)
    for name in ("source", "", "needs", "where it is, or how to get it"):
        table.add_column(name, no_wrap=name in ("source", ""))
    before = ""
    for first, n_alike in _folded(needs):
        state, what, where = first.state, first.need.what, str(first.need.where or _step(first, n_alike))
        if n_alike > 1:
            what, where = f"{n_alike} files, such as {what}", f"such as {where}" if first.is_there else where
        shown = state.upper() if first.is_missing else state
        table.add_row("" if first.dataset == before else first.source, shown, Text(what), Text(where, overflow="fold"))
        before = first.dataset
    return table


def _folded(needs: Iterable[CheckedNeed]) -> Iterator[tuple[CheckedNeed, int]]:
    """Yield the needs; of more than `FEW` in a row with one source, state and step the first, and how many they are."""
    for _, group in itertools.groupby(needs, key=lambda need: (need.dataset, need.state, need.need.step)):
        alike = list(group)
        yield from [(alike[0], len(alike))] if len(alike) > FEW else ((need, 1) for need in alike)


def _step(need: CheckedNeed, n_alike: int) -> str:
    """Return how to get what is not there."""
    if not need.is_fetched or need.need.download is None:
        return need.need.step
    url = need.need.download.url
    return f"a build fetches them from {urlsplit(url).netloc}" if n_alike > 1 else f"a build fetches it from {url}"


def estimate_table(estimate: Estimate) -> Table:
    """Return an estimate as a table: a row for each source, and below it what is missing, and what hosts and shards it takes."""
    table = Table(title="estimate", title_justify="left", caption_justify="left")
    for name in ("source", "dataset", "clips", "hours", "to fetch", "in shards", ""):
        table.add_column(name, justify="right" if name in ("clips", "hours", "to fetch", "in shards") else "left")
    for source in estimate.sources:
        notes = ["published size"] if source.is_published else []
        notes += [f"{source.n_without_length} of unknown length"] if source.n_without_length else []
        sizes = (readable_bytes(source.fetched_bytes), readable_bytes(source.flac_bytes))
        table.add_row(source.source, source.dataset, str(source.n_clips), f"{source.hours:.2f}", *sizes, "; ".join(notes))
    if len(estimate.sources) > 1:
        table.add_section()
        fetched = readable_bytes(sum(source.fetched_bytes for source in estimate.sources))
        table.add_row("all", "", str(estimate.n_clips), f"{estimate.hours:.2f}", fetched, readable_bytes(estimate.flac_bytes), "")
    lines = [f"{estimate.n_shards} shards; {estimate.n_left_out} rows left out   {_reasons(estimate.left_out)}".rstrip()]
    lines += [f"{host.name}: {host.n_recordings} recordings{host.in_words()}" for host in estimate.hosts]
    for source in (source for source in estimate.sources if source.missing):
        others = f", and {len(source.missing) - 1} more" if len(source.missing) > 1 else ""
        lines.append(f"{source.source}, missing: {source.missing[0]}{others}")
    table.caption = Text("\n".join(lines))
    return table


def readable_bytes(count: float) -> str:
    """Return a size with a fitting unit.

    >>> readable_bytes(2_500_000)
    '2.5 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _cells(counts: DatasetCounts) -> list[str]:
    return [str(counts.planned), str(counts.samples), str(counts.rejections), str(counts.waiting), _reasons(counts.reasons)]


def _reasons(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
