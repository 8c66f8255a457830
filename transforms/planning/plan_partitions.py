"""Plan the rows of each partition, which has all rows of its recordings: what is decided about a recording is decided here."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np

from pipeline.output.plan_files import left_out_bytes
from pipeline.records import Clip, Rejection
from sources.metadata.held_lists import Entry
from transforms.planning.batches import PREVIOUS, REPEATED, ROWS, kind_of, unpack
from transforms.planning.choose_keys import apply, choose, with_repeated_keys
from transforms.planning.drop_duplicates import distinct_excerpts
from transforms.planning.find_held_rows import HeldRows
from transforms.planning.key_hashes import in_split, indices_in, messages, numbers
from transforms.planning.plan_lines import NEW, PlannedClips
from transforms.planning.rules import Rules, shared_pairs

CLIPS, LEFT_OUT, SHARED, MATCHES = "clips", "left_out", "shared", "matches"


class PlannedPartitions(NamedTuple):
    """`PlannedClips` with captions, tables of rejections, counts of shared recordings, matches of `HeldRows`."""

    clips: beam.PCollection
    left_out: beam.PCollection
    shared: beam.PCollection
    matches: beam.PCollection


class PlanPartitions(beam.PTransform):
    """(batches of clips by partition, keys by bucket) -> `PlannedPartitions`.

    Captions are those of sources and templates. Without `with_text`, licences and captions are not looked at, and clips are as sources
    and caption tables have them.
    """

    def __init__(self, rules: Rules, held_rows: HeldRows | None = None, with_text: bool = True):
        super().__init__()
        self.plan = _Plan(rules, held_rows, with_text)
        self.holdout = rules.holdout

    def expand(self, pair: tuple[beam.PCollection, beam.PCollection]) -> Any:
        clips, keys = pair
        noted = keys | "ByKey" >> beam.GroupByKey() | "Messages" >> beam.FlatMap(messages).with_output_types(tuple[int, bytes])
        partitions = (clips, noted) | "ClipsAndMessages" >> beam.Flatten() | "ByPartition" >> beam.GroupByKey()
        repeated = partitions | "Repeated" >> beam.FlatMap(repeated_keys, self.holdout).with_output_types(tuple[int, bytes])
        choices = repeated | "ByRepeatedKey" >> beam.GroupByKey() | "Choose" >> beam.FlatMap(choose, self.holdout)
        planned = beam.ParDo(self.plan, beam.pvalue.AsIter(choices))
        outputs = partitions | "Plan" >> planned.with_outputs(LEFT_OUT, SHARED, MATCHES, main=CLIPS)
        return PlannedPartitions(outputs[CLIPS], outputs[LEFT_OUT], outputs[SHARED], outputs[MATCHES])


def _of_kind(batches: Iterable[bytes], kind: bytes) -> list[Any]:
    return [unpack(data) for data in batches if kind_of(data) == kind]


def _clips(batches: Iterable[bytes]) -> list[Clip]:
    return list(itertools.chain.from_iterable(_of_kind(batches, ROWS)))


def repeated_keys(element: tuple[int, Iterable[bytes]], held: Sequence[Entry]) -> Iterator[tuple[int, bytes]]:
    """Yield by bucket the clips of a partition whose keys clips of other excerpts may have; none where no message names a key."""
    partition, batches = element
    if repeated := _of_kind(batches, REPEATED):
        yield from with_repeated_keys(distinct_excerpts(_clips(batches), held, []), np.concatenate(repeated), partition)


class _Plan(beam.DoFn):
    def __init__(self, rules: Rules, held_rows: HeldRows | None, with_text: bool):
        self.rules = rules
        self.held_rows = held_rows
        self.with_text = with_text

    def process(self, element: tuple[int, Iterable[bytes]], choices: Iterable[tuple[int, bytes]]) -> Iterator[Any]:
        partition, batches = element
        read, rejections = _clips(batches), list[Rejection]()
        decided = {excerpt: choice for number, data in choices if number == partition for excerpt, choice in unpack(data).items()}
        distinct = apply(distinct_excerpts(read, self.rules.holdout, rejections), decided, rejections)
        allowed = self.rules.allowed(distinct, rejections)
        clips = self.rules.captioned(allowed, rejections) if self.with_text else allowed
        if clips:
            yield PlannedClips(partition, clips, planned_indices(clips, indices_in(_of_kind(batches, PREVIOUS))))
        yield beam.pvalue.TaggedOutput(SHARED, shared_pairs(distinct, clips))
        if rejections:
            yield beam.pvalue.TaggedOutput(LEFT_OUT, left_out_bytes(rejections))
        if self.held_rows:
            yield beam.pvalue.TaggedOutput(MATCHES, self.held_rows.matches(read))


def planned_indices(clips: Sequence[Clip], indices: Mapping[int, int]) -> list[int]:
    """Return the index of the shard of each clip in the previous plan, `NEW` for new clips."""
    if not indices:
        return [NEW] * len(clips)
    hashes = numbers(in_split(clip.dataset, clip.split, clip.key) for clip in clips)
    return [indices.get(number, NEW) for number in hashes.tolist()]
