"""Make tables of books, estimates and sources for a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from pipeline.counted import counted
from pipeline.verbs.made_with import other_versions

if TYPE_CHECKING:
    from pipeline.verbs.checklist import CheckedNeed
    from pipeline.verbs.estimate import Estimate
    from pipeline.verbs.status import Books, DatasetCounts
    from sources.metadata.card import Card
    from sources.metadata.source import Source

MAX_LICENSES = 10  # in a line
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
        by_host = ", ".join(f"{host} {count}" for host, count in sorted(books.left.items()))
        table.caption += f"\nleft for later: {by_host}; the next build goes on with them"
    table.caption += "".join(f"\n{line}" for line in other_versions(books.made_with))
    return table


def license_lines(licenses: Mapping[str, int]) -> Iterator[str]:
    """Yield a line with the licences for which rows were left out, the most frequent first."""
    if licenses:
        shown = ", ".join(f"{name} {count:,}" for name, count in itertools.islice(licenses.items(), MAX_LICENSES))
        n_more = len(licenses) - MAX_LICENSES
        more = f", and {counted(n_more, 'licence more', 'licences more')}, see status --json" if n_more > 0 else ""
        yield f"{counted(sum(licenses.values()), 'row')} left out for their licence: {shown}{more}"


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


def checklist_lines(needs: Iterable[CheckedNeed]) -> Iterator[str]:
    """Yield what the sources of a recipe need as a list to work through; many files of one source that are got alike are one line.

    It is no table: addresses and paths are printed in full, so that they can be copied.
    """
    before = ""
    for first, n_alike in _folded(needs):
        if first.dataset != before:
            yield f"{first.source}"
        before = first.dataset
        what, where = first.need.what, str(first.need.where or _step(first, n_alike))
        if n_alike > 1:
            what, where = f"{n_alike} files, such as {what}", f"such as {where}" if first.is_there else where
        yield f"  {first.state.upper() if first.is_missing else first.state:<9} {what}"
        yield f"            {where}"


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
    """Return an estimate as a table: a row for each source. `+` says that more comes from clips of unknown length."""
    table = Table(title="estimate", title_justify="left", box=SIMPLE_HEAD)
    for name in ("source", "count of", "clips", "hours", "to fetch", "in shards"):
        table.add_column(name, justify="left" if name in ("source", "count of") else "right", no_wrap=True)
    for source in estimate.sources:
        more = "+" if source.n_without_length else ""
        sizes = (f"{readable_bytes(n_bytes)}{more}" for n_bytes in (source.fetched_bytes, source.flac_bytes))
        counted = "published" if source.is_published else "table"
        table.add_row(source.source, counted, f"{source.n_clips:,}", f"{_hours(source.hours)}{more}", *sizes)
    if len(estimate.sources) > 1:
        table.add_section()
        more = "+" if estimate.n_without_length else ""
        sizes = (f"{readable_bytes(n_bytes)}{more}" for n_bytes in (estimate.fetched_bytes, estimate.flac_bytes))
        table.add_row("all", "", f"{estimate.n_clips:,}", f"{_hours(estimate.hours)}{more}", *sizes)
    return table


def estimate_lines(estimate: Estimate) -> Iterator[str]:
    """Yield what an estimate says beside its table: shards, rows left out, hosts with the days they take, and what is missing."""
    yield f"{counted(estimate.n_shards, 'shard')}; {counted(estimate.n_left_out, 'row')} left out   {_reasons(estimate.left_out)}".rstrip()
    if estimate.n_without_length:
        yield f"+: the length of {counted(estimate.n_without_length, 'clip')} is known only when they are fetched"
    for host in estimate.hosts:
        yield f"{host.name}: {counted(host.n_recordings, 'recording')}{host.in_words()}"
    for source in (source for source in estimate.sources if source.missing):
        others = f", and {len(source.missing) - 1} more" if len(source.missing) > 1 else ""
        yield f"{source.source} is counted as published; missing: {source.missing[0]}{others}"


def unchecked_lines(estimate: Estimate) -> Iterator[str]:
    """Yield which sources were not compared with the others, since their tables are missing."""
    names = [source.source for source in estimate.sources if source.is_published]
    if names:
        yield f"not compared with other sets, since their tables are missing: {', '.join(names)}"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2f}"


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
