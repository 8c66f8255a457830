"""Publish the files of a shard, all or none: tar, books and evidence, then the marker. Until then the previous shard counts."""

from __future__ import annotations

import collections
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.output.books import SAMPLE, sounds_sha256
from pipeline.output.layout import books_name, evidence_name, marker_name, tar_name
from pipeline.output.markers import FileFacts, Marker, file_facts
from pipeline.output.storage import Folder
from transforms.shards.shard_task import ShardTask

TAR_FILE, BOOKS_FILE, EVIDENCE_FILE, MARKER_FILE = "shard.tar", "shard.parquet", "evidence.parquet", "marker.json"
"""Names of the files of a shard in a workspace."""


def marker_of(
    task: ShardTask,
    rows: Sequence[Mapping[str, Any]],
    tar: FileFacts,
    work: Path,
    build_seconds: dict[str, float],
    versions: dict[str, str],
    left: dict[str, int],
) -> Marker:
    """Return the marker of a shard that is made.

    Args:
        rows: of its books, which are in `work`.
        tar: size and hash of its tar.
        build_seconds, versions, left: as in `Marker`.
    """
    samples = [row for row in rows if row["status"] == SAMPLE]
    return Marker(
        shard=task.shard,
        rows_sha256=task.rows_sha256,
        inputs_sha256=task.inputs_sha256,
        sounds_sha256=sounds_sha256(rows),
        n_planned=len(rows),
        n_samples=len(samples),
        n_rejected=len(rows) - len(samples),
        reasons=dict(sorted(collections.Counter(row["reason"] for row in rows if row["status"] != SAMPLE).items())),
        audio_seconds=round(sum(row["duration"] for row in samples), 6),
        tar=tar,
        parquet=file_facts(work / BOOKS_FILE),
        build_seconds=build_seconds,
        versions=versions,
        left=left,
    )


def publish(marker: Marker, work: Path, folder: Folder) -> None:
    """Publish the tar, the books and the evidence in `work`, then the marker; until then the previous shard counts."""
    (work / MARKER_FILE).write_text(json.dumps(marker.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shard = marker.shard
    files = {TAR_FILE: tar_name(shard), BOOKS_FILE: books_name(shard)}
    files |= {EVIDENCE_FILE: evidence_name(shard)} if (work / EVIDENCE_FILE).exists() else {}
    folder.publish_together(work, files | {MARKER_FILE: marker_name(shard)})
