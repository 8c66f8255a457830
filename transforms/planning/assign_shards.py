"""Assign planned rows to shards, see `lay_out`. Only numbers are gathered to lay out a split; the rows are gathered by shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import apache_beam as beam
import numpy as np

from pipeline.records import ShardId
from transforms.planning.batches import pack, unpack
from transforms.planning.lay_out import Layout, lay_out
from transforms.planning.plan_lines import NEW, PlannedClips, by_shard, split_lines
from transforms.planning.rules import Rules

Split = tuple[str, str]
"""A dataset and a split of it."""

ROWS, SIZES = "rows", "sizes"


class AssignShards(beam.PTransform):
    """`PlannedClips`, one for each partition -> (name of a shard, its rows as batches of `ShardLines`). De-biasing comes last."""

    def __init__(self, shard_size: int, rules: Rules):
        super().__init__()
        self.shard_size = shard_size
        self.rules = rules

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        divided = clips | "Lines" >> beam.ParDo(_Lines(self.rules)).with_outputs(SIZES, main=ROWS)
        layouts = divided[SIZES] | "BySplit" >> beam.GroupByKey() | "LayOut" >> beam.Map(lay_out_split, self.shard_size)
        by_name = divided[ROWS] | "ShardOf" >> beam.ParDo(_ShardOf(), beam.pvalue.AsDict(layouts))
        return by_name | "ByShard" >> beam.GroupByKey()


class _Lines(beam.DoFn):
    """`PlannedClips` -> batches of `SplitLines`, and the numbers that the layout of each split needs."""

    def __init__(self, rules: Rules):
        self.rules = rules

    def process(self, batch: PlannedClips) -> Iterator[Any]:
        for rows in split_lines(replace(batch, clips=list(map(self.rules.neutral, batch.clips)))):
            yield pack(rows)
            new = rows.recordings[rows.planned == NEW]
            planned = np.unique(rows.planned[rows.planned != NEW])
            yield beam.pvalue.TaggedOutput(SIZES, (rows.split, pack((*np.unique(new, return_counts=True), planned))))


def lay_out_split(sizes_of: tuple[Split, Iterable[bytes]], shard_size: int) -> tuple[Split, Layout]:
    """Return the layout of a split from the numbers of its partitions: hashes of recordings, their new clips, and planned indices."""
    split, sizes = sizes_of
    recordings, counts, planned = (np.concatenate(part) for part in zip(*map(unpack, sizes), strict=True))
    order = np.argsort(recordings)
    return split, lay_out(recordings[order], counts[order], set(planned.tolist()), shard_size)


@beam.typehints.with_output_types(tuple[str, bytes])
class _ShardOf(beam.DoFn):
    def process(self, batch: bytes, layouts: Mapping[Split, Layout]) -> Iterator[tuple[str, bytes]]:
        rows = unpack(batch)
        indices = layouts[rows.split].indices_of(rows.recordings, rows.planned)
        for index, part in by_shard(rows, indices).items():
            yield _name(rows.split, index), pack(part)


def _name(split: Split, index: int) -> str:
    dataset, split_name = split
    return ShardId(dataset, split_name, index).name
