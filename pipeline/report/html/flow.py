"""Compute the picture of the books: bands from the rows of each dataset to what became of them, as wide as their number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.report.html.shown import MAX_NAME, shown
from pipeline.verbs.status import Books, DatasetCounts

SAMPLES, WAITING = "samples", "not built yet"
MAX_DATASETS, MAX_REASONS = 7, 6  # with an end of their own; the others share one
SCALE = 240.0  # pixels of all rows together
SLOT = 40.0  # pixels from one end to the next: room for two lines of text
THINNEST = 1.0  # pixels of a band
GAP = 8.0  # pixels between two ends


@dataclass(frozen=True, slots=True)
class End:
    """Where bands begin or end: a dataset or an outcome, with its number of rows and its place, in pixels."""

    name: str
    count: int
    y: float
    height: float
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Band:
    """The rows of a dataset with one outcome, as the path of an area that is 100 wide; pixels down."""

    name: str
    path: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """The picture: datasets at the left, outcomes at the right, and the bands between them."""

    datasets: tuple[End, ...]
    outcomes: tuple[End, ...]
    bands: tuple[Band, ...]
    height: float


def flow(books: Books) -> Flow:
    """Return the picture of the books of a folder: samples first, then the most frequent reasons, then what is not built yet."""
    rows = _merged({name: _outcomes(counts) for name, counts in sorted(books.datasets.items()) if counts.planned})
    totals: Counter[str] = Counter()
    for counts in rows.values():
        totals.update(counts)
    heights = {
        name: {outcome: max(THINNEST, SCALE * counts[outcome] / totals.total()) for outcome in _ordered(counts)}
        for name, counts in rows.items()
    }
    datasets = _ends({name: (rows[name].total(), sum(heights[name].values())) for name in rows})
    outcomes = _ends({name: (totals[name], sum(of.get(name, 0.0) for of in heights.values())) for name in _ordered(totals)})
    left, right = ({end.name: end.y for end in ends} for ends in (datasets, outcomes))
    bands = []
    for dataset, of_dataset in heights.items():
        for outcome, height in of_dataset.items():
            words = f"{shown(dataset, MAX_NAME)}: {rows[dataset][outcome]:,} {outcome}"
            bands.append(Band(words, _path(left[dataset], right[outcome], height), outcome == SAMPLES))
            left[dataset] += height
            right[outcome] += height
    bottom = max((end.y + max(SLOT, end.height) for end in (*datasets, *outcomes)), default=0.0)
    return Flow(tuple(datasets), tuple(outcomes), tuple(bands), bottom)


def _outcomes(counts: DatasetCounts) -> Counter[str]:
    return +Counter({SAMPLES: counts.samples, WAITING: counts.waiting, **counts.reasons})


def _merged(rows: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Return the rows with the smaller datasets and the rarer reasons put together."""
    totals: Counter[str] = Counter()
    for counts in rows.values():
        totals.update(counts)
    reasons = [name for name in _ordered(totals) if name not in {SAMPLES, WAITING}]
    rare = set(reasons[MAX_REASONS:]) if len(reasons) > MAX_REASONS + 1 else set()
    largest = sorted(rows, key=lambda name: (-rows[name].total(), name))
    small = set(largest[MAX_DATASETS:]) if len(largest) > MAX_DATASETS + 1 else set()
    merged: dict[str, Counter[str]] = {}
    for name in largest:
        into = merged.setdefault(f"{len(small):,} other datasets" if name in small else name, Counter())
        for outcome, count in rows[name].items():
            into[f"{len(rare)} other reasons" if outcome in rare else outcome] += count
    return merged


def _ordered(counts: Counter[str]) -> list[str]:
    """Return outcomes from the top to the bottom."""
    return sorted(counts, key=lambda name: (name != SAMPLES, name == WAITING, "other reasons" in name, -counts[name], name))


def _ends(sizes: Mapping[str, tuple[int, float]]) -> list[End]:
    """Return ends from the top to the bottom, given their numbers of rows and their heights."""
    ends, y = [], 0.0
    for name, (count, height) in sizes.items():
        ends.append(End(name, count, y, height, name == SAMPLES))
        y += max(SLOT, height + GAP)
    return ends


def _path(left: float, right: float, height: float) -> str:
    """Return a band from the left to the right end, each given by its upper edge."""
    upper = f"M0 {left:.1f}C50 {left:.1f} 50 {right:.1f} 100 {right:.1f}"
    lower = f"V{right + height:.1f}C50 {right + height:.1f} 50 {left + height:.1f} 0 {left + height:.1f}Z"
    return upper + lower
