"""Write the plan files of shards, and the file of the rows that were left out of the plan."""

from __future__ import annotations

from collections.abc import Iterable

import apache_beam as beam

from pipeline.output.address_files import write_addresses
from pipeline.output.plan_files import plan_name, write_left_out, write_plan_file
from pipeline.output.storage import Folder
from pipeline.records import Clip, Rejection, ShardId


def write_shard_plan(planned: tuple[ShardId, list[Clip]], folder: Folder, below: str) -> str:
    """Write the plan file of one shard below `below`, and return its name."""
    shard, clips = planned
    name = f"{below}/{plan_name(shard)}"
    with folder.workspace() as work:
        write_plan_file(clips, work / "plan.parquet")
        folder.publish(work / "plan.parquet", name)
    write_addresses(shard, clips, folder, below)
    return name


class WritePlan(beam.PTransform):
    """(shard, clips) -> names of the plan files."""

    def __init__(self, folder: Folder, below: str):
        super().__init__()
        self.folder = folder
        self.below = below

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        return shards | "WriteShard" >> beam.Map(write_shard_plan, self.folder, self.below)


class WriteLeftOut(beam.PTransform):
    """Rejections -> the name of the one file that holds them, each with its reason; an empty file where there are none."""

    def __init__(self, folder: Folder, name: str):
        super().__init__()
        self.folder = folder
        self.name = name

    def expand(self, rejections: beam.PCollection) -> beam.PCollection:
        once = rejections.pipeline | "Once" >> beam.Create([None])
        return once | "WriteFile" >> beam.Map(_write_left_out, beam.pvalue.AsIter(rejections), self.folder, self.name)


def _write_left_out(_: None, rejections: Iterable[Rejection], folder: Folder, name: str) -> str:
    with folder.workspace() as work:
        write_left_out(rejections, work / "left_out.parquet")
        folder.publish(work / "left_out.parquet", name)
    return name
