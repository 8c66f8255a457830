"""Write a shard again from the outcomes of shards that stand: audio is copied byte for byte, nothing is fetched or decoded."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.output.books import books_row, write_books
from pipeline.output.evidence_files import evidence_of, write_evidence
from pipeline.output.layout import evidence_name, marker_name
from pipeline.output.markers import FileFacts, Marker
from pipeline.output.sample_files import TarWriter
from pipeline.output.storage import Folder
from pipeline.records import Clip, Sample
from transforms.shards.previous_shard import PreviousShard
from transforms.shards.publish_shard import BOOKS_FILE, EVIDENCE_FILE, TAR_FILE, marker_of, publish
from transforms.shards.shard_task import ShardTask
from transforms.shards.versions import installed_versions


@dataclass(frozen=True, slots=True)
class Origin:
    """What the marker of a copy has of the marker of the shard that it is copied from: see `Marker`."""

    build_seconds: Mapping[str, float]
    versions: Mapping[str, str]
    left: Mapping[str, int]

    @classmethod
    def of(cls, marker: Marker | None) -> Origin:
        """Return it; without a marker the versions are those of this process. A store may lack it after a kill."""
        if marker is None:
            return cls({}, installed_versions(), {})
        return cls(marker.build_seconds, marker.versions, marker.left)


def copied_from(clips: Iterable[Clip], shards: Iterable[PreviousShard]) -> dict[str, PreviousShard]:
    """Return the first of some shards that has the outcome of each clip, intact, by sample key; clips that none has are missing."""
    matched: dict[str, PreviousShard] = {}
    wanted = {clip.key for clip in clips}
    for shard in shards:
        matched = {key: shard for key in shard.rows if key in wanted and shard.has(key)} | matched
    return matched


def copy_shard(
    task: ShardTask,
    clips: list[Clip],
    earlier: Mapping[str, PreviousShard],
    origin: Origin,
    folder: Folder,
    work: Path,
    step: str,
    loses_clips: bool = False,
) -> Marker:
    """Write a shard with the text of `clips` and publish it.

    Args:
        earlier: for each clip, by its key, the shard that has its outcome.
        step: the name of what is done, in the marker.
        loses_clips: whether the shard that stands has other clips, of which nothing may be left wherever this is killed.
    """
    began, rows, evidence = time.monotonic(), [], []
    with TarWriter(work / TAR_FILE) as tar:
        for clip in clips:
            outcome = earlier[clip.key].outcome(clip)
            rows.append(books_row(outcome, earlier[clip.key].rows[clip.key]["audio_request_hash"]))
            if (of_host := evidence_of(outcome)) is not None:
                evidence.append((clip.key, of_host))
            if isinstance(outcome, Sample):
                tar.add(outcome)
    write_books(rows, work / BOOKS_FILE)
    if evidence:
        write_evidence(evidence, work / EVIDENCE_FILE)
    seconds = {**origin.build_seconds, step: round(time.monotonic() - began, 3)}
    marker = marker_of(task, rows, FileFacts(tar.n_bytes, tar.sha256), work, seconds, dict(origin.versions), dict(origin.left))
    if loses_clips and not evidence:  # before the rest: a shard without evidence is complete
        folder.remove(evidence_name(task.shard))
    if loses_clips and not folder.is_local:  # where files are published one by one: without a marker each is taken for what it holds
        folder.remove(marker_name(task.shard))
    publish(marker, work, folder)
    return marker
