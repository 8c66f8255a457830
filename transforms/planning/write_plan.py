"""Write the plan files of shards, and the file of the rows that were left out of the plan."""

from __future__ import annotations

from collections.abc import Iterable

import apache_beam as beam

from pipeline.output.plan_files import left_out_table, table_bytes, write_left_out
from pipeline.output.removals_file import read_removals
from pipeline.output.shard_plan import write_shard_lines
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from transforms.planning.batches import unpack
from transforms.planning.leave_out_removed import redacted


def write_shard_plan(planned: tuple[str, Iterable[bytes]], folder: Folder, below: str) -> str:
    """Write the plan file of one shard below `below`, from its name and batches of its `ShardLines`; return the name of the file."""
    parts = sorted(map(unpack, planned[1]), key=lambda part: part.partition)
    addresses = {key: url for part in parts for key, url in part.addresses.items()}
    return write_shard_lines(ShardId.parse(planned[0]), [line for part in parts for line in part.lines], addresses, folder, below)


class WritePlan(beam.PTransform):
    """(name of a shard, batches of its rows) -> names of the plan files."""

    def __init__(self, folder: Folder, below: str):
        super().__init__()
        self.folder = folder
        self.below = below

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        return shards | "WriteShard" >> beam.Map(write_shard_plan, self.folder, self.below)


class WriteLeftOut(beam.PTransform):
    """Tables of rejections -> the name of the one file that holds them, each with its reason; an empty file where there are none."""

    def __init__(self, folder: Folder, name: str):
        super().__init__()
        self.folder = folder
        self.name = name

    def expand(self, tables: beam.PCollection) -> beam.PCollection:
        once = tables.pipeline | "Once" >> beam.Create([None])
        return once | "WriteFile" >> beam.Map(_write_tables, beam.pvalue.AsIter(tables), self.folder, self.name)


def _write_tables(_: None, tables: Iterable[bytes], folder: Folder, name: str) -> str:
    return write_tables(tables, folder, name)


def write_tables(tables: Iterable[bytes], folder: Folder, name: str) -> str:
    """Write tables of rejections to one file, and return its name. Rows of removed clips are written without what names them."""
    if removals := read_removals(folder):
        tables = [table_bytes(redacted(left_out_table(tables), removals))]
    with folder.workspace() as work:
        write_left_out(tables, work / "left_out.parquet")
        folder.publish(work / "left_out.parquet", name)
    return name
