"""Rewrite the text of shards: audio is copied byte for byte, rejections stay, nothing is fetched or decoded."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam

from pipeline.output.markers import Marker, read_marker
from pipeline.output.plan_files import read_rows_of
from pipeline.output.storage import Folder
from pipeline.records import Clip
from transforms.shards.build_shards import finished
from transforms.shards.copy_shard import Origin, copy_shard
from transforms.shards.previous_shard import read_previous_shard
from transforms.shards.shard_task import ShardTask


def rewrite_text(task: ShardTask, clips: list[Clip], folder: Folder) -> Marker | None:
    """Write a shard again with the text of `clips` and publish it; return `None` for a damaged shard, which is not changed."""
    old = read_marker(folder, task.shard)
    with folder.workspace() as work:
        previous = read_previous_shard(folder, task.shard, work)
        if old is None or previous.is_checked or previous.rows.keys() != {clip.key for clip in clips}:
            return None
        return copy_shard(task, clips, {clip.key: previous for clip in clips}, Origin.of(old), folder, work, "recaption")


class RewriteText(beam.PTransform):
    """Shard tasks -> markers of the shards whose text was rewritten."""

    def __init__(self, folder: Folder):
        super().__init__()
        self.folder = folder

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        return tasks | "Spread" >> beam.Reshuffle() | "Rewrite" >> beam.FlatMap(_rewritten, self.folder)


def _rewritten(task: ShardTask, folder: Folder) -> Iterator[Marker]:
    marker = finished(folder, task) or rewrite_text(task, read_rows_of(folder, task.shard), folder)
    if marker is not None:
        yield marker
