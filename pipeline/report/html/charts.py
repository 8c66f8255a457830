"""Compute charts as lists of numbers, which templates draw as SVG. Positions across are in percent, so that a chart fits any width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.report.html.shown import MAX_NAME, shown

MAX_BARS = 12  # of a list of bars; the rest is one bar
PLOT_HEIGHT = 120  # pixels of a histogram, without its axis


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a list of bars. `share` is the part of all (0 to 1), `None` where parts overlap; `width` in percent of the longest bar.

    `is_rest` is true for the last bar that stands for many names: it is drawn in another colour, and no longer than the longest name's.
    """

    name: str
    count: int
    share: float | None
    width: float
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a histogram: its range in words, its count, and where it is drawn: across in percent, down in pixels."""

    name: str
    count: int
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where it is, in percent, and its text."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram with its axis. `top` is the highest count."""

    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    total: int
    top: int


def bars(counts: Mapping[str, int], limit: int = MAX_BARS, of: int | None = None) -> list[Bar]:
    """Return counts as bars, the highest first; what is beyond `limit` is one bar at the end.

    Args:
        of: what shares are parts of, where one thing may have several names; the last bar then has no share. Else the sum of all.

    >>> [(bar.name, bar.count, bar.share) for bar in bars({"a": 1, "b": 3, "c": 0}, limit=1)]
    [('b', 3, 0.75), ('all others (1)', 1, 0.25)]
    """
    ordered = sorted(((name, count) for name, count in counts.items() if count), key=lambda item: (-item[1], item[0]))
    total, longest = of or sum(count for _, count in ordered), max((count for _, count in ordered), default=1)
    made = [Bar(shown(name, MAX_NAME), count, count / total, 100 * count / longest) for name, count in ordered[:limit]]
    if others := ordered[limit:]:
        n_others = sum(count for _, count in others)
        share = None if of else n_others / total
        made.append(Bar(f"all others ({len(others):,})", n_others, share, min(100.0, 100 * n_others / longest), is_rest=True))
    return made


def histogram(counts: Sequence[int], edges: Sequence[str], unit: str = "") -> Histogram:
    """Return a histogram of columns of equal width.

    Args:
        counts: one for each range between two edges; the last range has no upper edge where there are as many counts as edges.
        edges: texts of the lower edges, in order; the first is empty where the range has no lower edge.

    >>> made = histogram([1, 2], ["0", "5"], "s")
    >>> [column.name for column in made.columns], [tick.text for tick in made.ticks], made.top
    (['0 to 5 s', '5 s or more'], ['0', '5'], 2)
    """
    top, width = max(counts, default=0), 100 / max(1, len(counts))
    columns = []
    for number, count in enumerate(counts):
        height = PLOT_HEIGHT * count / top if top else 0.0
        height = max(height, 1.0) if count else 0.0  # a clip alone among a million is still to be seen
        columns.append(Column(_range(edges, number, unit), count, number * width, width, PLOT_HEIGHT - height, height))
    ticks = tuple(Tick(number * width, text) for number, text in enumerate(edges) if text)
    return Histogram(tuple(columns), ticks, sum(counts), top)


def _range(edges: Sequence[str], number: int, unit: str) -> str:
    end = f" {unit}" if unit else ""
    if not edges[number]:
        return f"below {edges[number + 1]}{end}"
    return f"{edges[number]} to {edges[number + 1]}{end}" if number + 1 < len(edges) else f"{edges[number]}{end} or more"


def counted_in(values: Mapping[int, int], lower_edges: Sequence[int]) -> list[int]:
    """Return how many values are in each range that begins at an edge; values below the first edge are in the first range.

    Args:
        values: value -> how often it is there.

    >>> counted_in({0: 1, 1: 1, 4: 1, 90: 2}, [0, 2, 5])
    [2, 1, 2]
    """
    counts = [0] * len(lower_edges)
    for value, count in values.items():
        number = sum(value >= edge for edge in lower_edges) - 1
        counts[max(0, number)] += count
    return counts
