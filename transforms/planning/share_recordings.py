"""Count the recordings that several datasets or splits share, so that leaks are seen before anything is trained."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam

from pipeline.keys import stable_hash
from pipeline.output.shared_file import SharedRecordings, write_shared
from pipeline.output.storage import Folder
from pipeline.records import Clip

BUCKET = 3  # hexadecimal digits, so 4,096 groups: engines need memory for each group

Use = tuple[str, str, bool]
"""A recording, the `dataset/split` of a clip of it, and whether that clip is in the plan."""


def shared_by(uses: Iterable[Use]) -> Counter[tuple[str, str, bool]]:
    """Return the number of recordings of each pair of splits: of all that were read (`False`), and of those in the plan (`True`).

    >>> shared_by([("a", "A/test", False), ("a", "B/train", False), ("b", "A/test", False), ("a", "A/test", True)])
    Counter({('A/test', 'B/train', False): 1})
    """
    pairs: Counter[tuple[str, str, bool]] = Counter()
    for _, group in itertools.groupby(sorted(set(uses)), key=lambda use: use[0]):
        rows = list(group)
        for is_planned in (False, True):
            splits = [split for _, split, planned in rows if planned is is_planned]
            pairs.update((first, second, is_planned) for first, second in itertools.combinations(splits, 2))
    return pairs


class ShareRecordings(beam.PTransform):
    """(clips that were read, clips that are planned) -> one list of `SharedRecordings`, sorted."""

    def expand(self, pair: tuple[beam.PCollection, beam.PCollection]) -> beam.PCollection:
        read, planned = pair
        uses = (
            read | "UseOfRead" >> beam.Map(_use, False),
            planned | "UseOfPlanned" >> beam.Map(_use, True),
        ) | "Uses" >> beam.Flatten()
        pairs = uses | "ByRecording" >> beam.GroupByKey() | "Pairs" >> beam.FlatMap(_pairs_of_bucket)
        return pairs | "Add" >> beam.CombinePerKey(sum) | "All" >> beam.combiners.ToList() | "Sort" >> beam.Map(_sorted)


def _use(clip: Clip, is_planned: bool) -> tuple[str, Use]:
    return stable_hash(clip.recording)[:BUCKET], (clip.recording, f"{clip.dataset}/{clip.split}", is_planned)


def _pairs_of_bucket(bucket: tuple[str, Iterable[Use]]) -> Iterator[tuple[Any, int]]:
    yield from shared_by(bucket[1]).items()


def _sorted(counts: list[tuple[tuple[str, str, bool], int]]) -> list[SharedRecordings]:
    numbers = dict(counts)
    pairs = sorted({(first, second) for first, second, _ in numbers})
    return [SharedRecordings(*pair, numbers.get((*pair, False), 0), numbers.get((*pair, True), 0)) for pair in pairs]


def write_shared_recordings(shared: list[SharedRecordings], folder: Folder, below: str) -> None:
    """Write the file of the plan that lists them."""
    write_shared(folder, shared, below)
