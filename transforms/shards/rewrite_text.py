"""Rewrite the text of shards: audio is copied byte for byte, rejections stay, nothing is fetched or decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import apache_beam as beam

from pipeline.output.books import books_row, write_books
from pipeline.output.markers import FileFacts, Marker, file_facts, read_marker
from pipeline.output.plan_files import read_rows_of
from pipeline.output.sample_files import TarWriter
from pipeline.output.storage import Folder
from pipeline.records import Clip, Sample
from transforms.shards.build_shards import BOOKS_FILE, TAR_FILE, finished, publish
from transforms.shards.previous_shard import read_previous_shard
from transforms.shards.shard_task import ShardTask


def rewrite_text(task: ShardTask, clips: list[Clip], folder: Folder) -> Marker | None:
    """Write a shard again with the text of `clips` and publish it; return `None` for a damaged shard, which is not changed."""
    began = time.monotonic()
    old = read_marker(folder, task.shard)
    rows = []
    with folder.workspace() as work:
        previous = read_previous_shard(folder, task.shard, work)
        if old is None or previous.is_checked or previous.rows.keys() != {clip.key for clip in clips}:
            return None
        with TarWriter(work / TAR_FILE) as tar:
            for clip in clips:
                outcome = previous.outcome(clip)
                rows.append(books_row(outcome, previous.rows[clip.key]["audio_request_hash"]))
                if isinstance(outcome, Sample):
                    tar.add(outcome)
        write_books(rows, work / BOOKS_FILE)
        marker = replace(
            old,
            rows_sha256=task.rows_sha256,
            inputs_sha256=task.inputs_sha256,
            tar=FileFacts(tar.n_bytes, tar.sha256),
            parquet=file_facts(work / BOOKS_FILE),
            build_seconds=old.build_seconds | {"recaption": round(time.monotonic() - began, 3)},
        )
        publish(marker, work, folder)
    return marker


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
