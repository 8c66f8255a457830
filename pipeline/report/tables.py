"""Make tables of books, estimates and sources for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pipeline.verbs.checklist import CheckedNeed
    from pipeline.verbs.estimate import Estimate
    from pipeline.verbs.status import Books, DatasetCounts
    from sources.metadata.source import Source


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
    """Return the sources as a table: what each is and needs."""
    table = Table(show_lines=True)
    for name in ("source", "what it is", "size", "licence", "bring", "text", "known faults"):
        table.add_column(name, no_wrap=name == "source")
    for name, module in sources.items():
        card = module.CARD
        faults = "; ".join(filter(None, (card.faults, f"dead: {card.dead}" if card.dead else "")))
        table.add_row(name, card.title, card.size, card.license, card.bring, card.text, faults)
    return table


def checklist_table(needs: Iterable[CheckedNeed]) -> Table:
    """Return what the sources of a recipe need as a table to work through."""
    table = Table(show_lines=True)
    for name in ("source", "", "needs", "where it is, or how to get it"):
        table.add_column(name, no_wrap=name in ("source", ""))
    before = ""
    for need in needs:
        state = "there" if need.is_there else "fetched" if need.is_fetched else "MISSING" if need.is_missing else "optional"
        download = need.need.download
        address = f"a build fetches it from {download.url}" if need.is_fetched and download is not None else need.need.step
        table.add_row("" if need.dataset == before else need.source, state, need.need.what, Text(str(need.need.where or address)))
        before = need.dataset
    return table


def estimate_table(estimate: Estimate) -> Table:
    """Return an estimate as a table: a row for each source, and below it what hosts and shards it takes."""
    table = Table(title="estimate", title_justify="left", caption_justify="left")
    for name in ("source", "dataset", "clips", "hours", "to fetch", "in shards", ""):
        table.add_column(name, justify="right" if name in ("clips", "hours", "to fetch", "in shards") else "left")
    for source in estimate.sources:
        notes = [f"{source.n_without_length} of unknown length"] if source.n_without_length else []
        notes += [f"published size; missing: {'; '.join(source.missing)}"] if source.is_published else []
        sizes = (readable_bytes(source.fetched_bytes), readable_bytes(source.flac_bytes))
        table.add_row(source.source, source.dataset, str(source.n_clips), f"{source.hours:.2f}", *sizes, "; ".join(notes))
    if len(estimate.sources) > 1:
        table.add_section()
        fetched = readable_bytes(sum(source.fetched_bytes for source in estimate.sources))
        table.add_row("all", "", str(estimate.n_clips), f"{estimate.hours:.2f}", fetched, readable_bytes(estimate.flac_bytes), "")
    lines = [f"{estimate.n_shards} shards; {estimate.n_left_out} rows left out   {_reasons(estimate.left_out)}".rstrip()]
    lines += [f"{host.name}: {host.n_recordings} recordings{host.in_words()}" for host in estimate.hosts]
    table.caption = "\n".join(lines)
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
