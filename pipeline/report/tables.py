"""Make tables of books, estimates and sources for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
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
    for name in ("source", "what it is", "licence", "bring", "text", "known dead"):
        table.add_column(name, no_wrap=name == "source")
    for name, module in sources.items():
        card = module.CARD
        table.add_row(name, card.title, card.license, card.bring, card.text, card.dead)
    return table


def estimate_table(estimate: Estimate) -> Table:
    """Return an estimate as a table."""
    table = Table(title="estimate", title_justify="left", show_header=False)
    table.add_row("clips", f"{estimate.n_clips} in {estimate.n_shards} shards")
    table.add_row("left out", f"{estimate.n_left_out}   {_reasons(estimate.left_out)}".rstrip())
    hours = f"{estimate.hours:.2f} h where start and end say so"
    table.add_row("hours", hours + (f"; {estimate.n_without_length} clips of unknown length" if estimate.n_without_length else ""))
    table.add_row("shards", f"about {readable_bytes(estimate.flac_bytes)} for those hours")
    for host in estimate.hosts:
        table.add_row(host.name, f"{host.n_recordings} recordings{host.in_words()}")
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
