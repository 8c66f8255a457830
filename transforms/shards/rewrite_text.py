"""Plan rows -> the same shards with other text: audio is copied byte for byte, outcomes stand, nothing is fetched or decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import apache_beam as beam

from pipeline.output.plan_files import plan_name, read_plan_file
from pipeline.output.sample_files import TarWriter
from pipeline.output.shard_files import Marker, books_row, finished, read_marker, write_books
from pipeline.output.storage import Folder
from pipeline.records import Clip, Sample
from transforms.shards.build_shards import BOOKS_FILE, TAR_FILE, ShardTask, file_facts, publish
from transforms.shards.previous_shard import read_previous_shard


def rewrite_text(task: ShardTask, clips: list[Clip], folder: Folder) -> Marker | None:
    """Write a shard again with the text of `clips`, whole or not at all; `None` where the shard is damaged: it is left alone."""
    began = time.monotonic()
    old = read_marker(folder, task.shard)
    rows = []
    with folder.workspace() as work:
        kept = read_previous_shard(folder, task.shard, work)
        if old is None or kept.rows.keys() != {clip.key for clip in clips}:
            return None
        with TarWriter(work / TAR_FILE) as tar:
            for clip in clips:
                outcome = kept.standing(clip)
                rows.append(books_row(outcome, kept.rows[clip.key]["audio_request_hash"]))
                if isinstance(outcome, Sample):
                    tar.add(outcome)
        write_books(rows, work / BOOKS_FILE)
        tar_facts, books_facts = file_facts(work / TAR_FILE), file_facts(work / BOOKS_FILE)
        seconds = old.seconds | {"recaption": round(time.monotonic() - began, 3)}
        marker = replace(old, inputs_sha256=task.inputs_sha256, tar=tar_facts, parquet=books_facts, seconds=seconds)
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
    done = finished(folder, task.shard, task.inputs_sha256)  # an engine may give the same task twice
    marker = done or rewrite_text(task, read_plan_file(folder, f"{task.plan}/{plan_name(task.shard)}"), folder)
    if marker is not None:
        yield marker
