"""Count the recordings that several datasets or splits share, so that leaks are seen before anything is trained."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.output.shared_file import SharedRecordings, write_shared
from pipeline.output.storage import Folder

Use = tuple[str, str, bool]
"""A recording, the `dataset/split` of a clip of it, and whether that clip is in the plan."""

Pair = tuple[str, str, bool]
"""Two splits, as `dataset/split`, and whether clips of the plan are meant; else those that were read."""


def shared_by(uses: Iterable[Use]) -> Counter[Pair]:
    """Return the number of recordings of each pair of splits: of all that were read (`False`), and of those in the plan (`True`).

    >>> shared_by([("a", "A/test", False), ("a", "B/train", False), ("b", "A/test", False), ("a", "A/test", True)])
    Counter({('A/test', 'B/train', False): 1})
    """
    pairs: Counter[Pair] = Counter()
    for (_, is_planned), splits in _several(uses):
        pairs.update((first, second, is_planned) for first, second in itertools.combinations(sorted(splits), 2))
    return pairs


def _several(uses: Iterable[Use]) -> Iterator[tuple[tuple[str, bool], set[str]]]:
    """Yield the splits of each recording that has more than one; nearly all have one, and cost one look."""
    first: dict[tuple[str, bool], str] = {}
    several: dict[tuple[str, bool], set[str]] = {}
    for recording, split, is_planned in uses:
        use = recording, is_planned
        if (known := first.setdefault(use, split)) != split:
            several.setdefault(use, {known}).add(split)
    yield from several.items()


def listed(pairs: Mapping[Pair, int]) -> list[SharedRecordings]:
    """Return the pairs of splits with both of their numbers, sorted."""
    names = sorted({(first, second) for first, second, _ in pairs})
    return [SharedRecordings(*name, pairs.get((*name, False), 0), pairs.get((*name, True), 0)) for name in names]


def added(counts: Iterable[Mapping[Any, int]]) -> Counter[Any]:
    """Add up counts."""
    total: Counter[Any] = Counter()
    for part in counts:
        total.update(part)
    return total


def write_shared_recordings(pairs: Mapping[Pair, int], folder: Folder, below: str) -> None:
    """Write the file of the plan that lists them."""
    write_shared(folder, listed(pairs), below)
