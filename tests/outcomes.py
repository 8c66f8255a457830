"""Clips, samples and rejections that were never fetched, and shards and plans that are written from them without an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.output.books import books_row, sounds_sha256, write_books
from pipeline.output.layout import LEFT_OUT, PLAN, books_name, plan_name, tar_name
from pipeline.output.markers import Marker, facts_of, inputs_sha256
from pipeline.output.plan_files import count_left_out, left_out_bytes, read_left_out, rows_sha256, write_left_out, write_plan_file
from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.sample_files import TarWriter
from pipeline.output.storage import Folder
from pipeline.records import Caption, Clip, Provenance, Reason, Rejection, Sample, ShardId, SourceFormat, Statistics
from transforms.shards.previous_shard import audio_request_hash

SETTINGS_HASH = "settings"
FORMAT = SourceFormat("wav/pcm_16", 44_100, 2, "soundfile")
PROVENANCE = Provenance("https://example.org/a.wav", 200, None, 1234, "5a")
SHARD = ShardId("Set", "train", 0)


def clip(name: str = "a", **fields: Any) -> Clip:
    """Return a clip whose id, address and recording have the same name."""
    made = Clip("table", "Set", "train", name, f"{name}.wav", captions=(Caption(f"Sound {name}."),), recording=f"{name}.wav")
    return replace(made, **fields)


def sample(of: Clip | str = "a", pcm_sha256: str = "aa", flac: bytes | Path = b"fLaC", fingerprint: bytes = b"") -> Sample:
    """Return the sample of a clip, half a second long."""
    statistics = Statistics(24_000, 0.5, 0.25, 0.125, -0.01, 0.02, 0.03, pcm_sha256, 4, fingerprint)
    return Sample(clip(of) if isinstance(of, str) else of, flac, statistics, FORMAT, PROVENANCE)


def rejection(of: Clip | str, reason: Reason, pcm_sha256: str | None = None) -> Rejection:
    """Return the rejection of a clip."""
    fingerprint = None if pcm_sha256 is None else b""
    return Rejection(clip(of) if isinstance(of, str) else of, reason, "stage", f"detail of {reason}", PROVENANCE, pcm_sha256, fingerprint)


def write_shard(outcomes: Sequence[Sample | Rejection], folder: Folder, shard: ShardId = SHARD) -> Marker:
    """Publish tar, books and marker of a shard; return the marker."""
    settled = [books_row(outcome, audio_request_hash(outcome.clip, SETTINGS_HASH)) for outcome in outcomes]
    samples = [outcome for outcome in outcomes if isinstance(outcome, Sample)]
    rows_hash = rows_sha256([outcome.clip for outcome in outcomes])
    with folder.workspace() as work:
        with TarWriter(work / "tar") as tar:
            for outcome in samples:
                tar.add(outcome)
        write_books(settled, work / "books")
        folder.publish(work / "tar", tar_name(shard))
        folder.publish(work / "books", books_name(shard))
    marker = Marker(
        shard=shard,
        rows_sha256=rows_hash,
        inputs_sha256=inputs_sha256(rows_hash, SETTINGS_HASH, ()),
        sounds_sha256=sounds_sha256(settled),
        n_planned=len(outcomes),
        n_samples=len(samples),
        n_rejected=len(outcomes) - len(samples),
        reasons=dict(sorted(Counter(str(outcome.reason) for outcome in outcomes if isinstance(outcome, Rejection)).items())),
        audio_seconds=sum(outcome.statistics.duration for outcome in samples),
        tar=facts_of(folder, tar_name(shard)),
        parquet=facts_of(folder, books_name(shard)),
        build_seconds={"build": 1.5},
        versions={"laion-audio": "1"},
    )
    folder.write_json(f"{shard}_stats.json", marker.to_json())
    return marker


def write_plan(
    shards: dict[ShardId, Sequence[Clip]], folder: Folder, left_out: Sequence[Rejection] = (), below: str = PLAN, fingerprint: str = "f"
) -> Plan:
    """Write the plan files and the index of a plan; return the plan."""
    with folder.workspace() as work:
        for shard, clips in shards.items():
            write_plan_file(clips, work / "plan")
            folder.publish(work / "plan", f"{below}/{plan_name(shard)}")
        write_left_out([left_out_bytes(left_out)], work / "left")
        folder.publish(work / "left", f"{below}/{LEFT_OUT}")
    planned = tuple(PlannedShard(shard, len(clips), rows_sha256(clips)) for shard, clips in sorted(shards.items()))
    n_read = Counter(clip.dataset for clips in shards.values() for clip in clips) + Counter(each.clip.dataset for each in left_out)
    plan = Plan(fingerprint, planned, dict(sorted(n_read.items())), count_left_out(read_left_out(folder, below)))
    folder.write_json(f"{below}/plan.json", plan.to_json())
    return plan
