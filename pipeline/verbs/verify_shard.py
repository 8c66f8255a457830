"""Check one shard: its plan rows, marker, tar and books, each against the others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.keys import shard_sort_key
from pipeline.output.books import SAMPLE, sample_from, sounds_sha256
from pipeline.output.damage import DamagedFileError
from pipeline.output.equal_sounds_file import SoundsInOtherShards
from pipeline.output.layout import PLAN, books_name, marker_name, names_of, plan_name, tar_name
from pipeline.output.markers import FileFacts, Marker, facts_of
from pipeline.output.plan_index import PlannedShard
from pipeline.output.sample_files import json_member
from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, Clip, ShardId
from pipeline.verbs.verify_books import check_books
from pipeline.verbs.verify_evidence import check_evidence
from pipeline.verbs.verify_fault import BUILD, PLAN_AGAIN, REPAIR, Fault
from pipeline.verbs.verify_marker import check_marker, counts_that_differ, is_of_older_audio, wrong_inputs
from pipeline.verbs.verify_plan import check_plan_rows
from pipeline.verbs.verify_tar import ExpectedSample, check_tar
from transforms.shards.equal_sounds import Sound
from transforms.shards.shard_task import settings_hash


@dataclass(frozen=True, slots=True)
class ShardCheck:
    """What to check a shard against.

    `limits` are those of its dataset, `in_other_shards` the sounds that it must leave out; `None` where a file that holds them
    cannot be read. With `deep` all audio is decoded.
    """

    planned: PlannedShard
    limits: AudioLimits | None
    in_other_shards: SoundsInOtherShards | None
    deep: bool


@dataclass(frozen=True, slots=True)
class CheckedShard:
    """The faults of a shard, the number of samples in its tar, its sounds and their hash (`None` where its books cannot be read), and the
    versions that it was made with (`None` where its marker cannot be read)."""

    shard: ShardId
    faults: tuple[Fault, ...]
    n_samples: int
    sounds: tuple[Sound, ...] = ()
    sounds_sha256: str | None = None
    versions: Mapping[str, str] | None = None


def check_shard(folder: Folder, check: ShardCheck) -> CheckedShard:
    """Return the faults of one shard. Every file is read as far as it can be, whatever is wrong with the others."""
    if folder.is_local:
        return _check_files(folder, check)
    shard = check.planned.shard
    with tempfile.TemporaryDirectory(prefix="laion-audio-") as work:
        return _check_files(folder.fetched((f"{PLAN}/{plan_name(shard)}", *names_of(shard)), Path(work)), check)


def _check_files(folder: Folder, check: ShardCheck) -> CheckedShard:
    shard = check.planned.shard
    plan_findings, clips = check_plan_rows(folder, check.planned)
    faults = [finding.at(shard, f"{PLAN}/{plan_name(shard)}", PLAN_AGAIN) for finding in plan_findings]
    if not any(folder.exists(name) for name in (marker_name(shard), tar_name(shard), books_name(shard))):
        return CheckedShard(shard, (*faults, Fault(shard, None, marker_name(shard), "missing: the shard is not built", BUILD)), 0)
    whats, marker = check_marker(folder, shard)
    faults += [Fault(shard, None, marker_name(shard), what, REPAIR) for what in whats]
    if marker is not None and marker.rows_sha256 != check.planned.rows_sha256:
        what = "the shard was made from other rows than the plan has now"
        faults.append(Fault(shard, None, marker_name(shard), what, BUILD))
        clips = None  # a comparison with the rows of now would name all of them
    faults += _inputs_faults(marker, check)
    findings, rows = check_books(folder, shard, clips, _settings_hash(marker, check), check.in_other_shards)
    faults += [finding.at(shard, books_name(shard), REPAIR) for finding in findings]
    tar_findings, keys = check_tar(folder, tar_name(shard), _expected(rows, clips), check.deep)
    faults += [finding.at(shard, tar_name(shard), REPAIR) for finding in tar_findings]
    if marker is not None:
        faults += _marker_faults(folder, marker, rows, len(keys))
    faults += check_evidence(folder, shard)
    versions = None if marker is None else marker.versions
    if rows is None:
        return CheckedShard(shard, tuple(faults), len(keys), versions=versions)
    return CheckedShard(shard, tuple(faults), len(keys), tuple(_sounds(shard, rows)), sounds_sha256(rows), versions)


def _settings_hash(marker: Marker | None, check: ShardCheck) -> str | None:
    """Return the hash of the settings that the shard was made with; `None` where it is not known."""
    if marker is None or marker.conversion is None or check.limits is None or is_of_older_audio(marker):
        return None
    return settings_hash(marker.conversion, check.limits)


def _inputs_faults(marker: Marker | None, check: ShardCheck) -> list[Fault]:
    what = wrong_inputs(marker, check.limits, check.in_other_shards) if marker is not None else None
    return [Fault(check.planned.shard, None, marker_name(check.planned.shard), what, BUILD)] if what is not None else []


def _expected(rows: Sequence[Mapping[str, Any]] | None, clips: Sequence[Clip] | None) -> list[ExpectedSample] | None:
    """Return the samples that the tar must hold, in order; `None` where the books do not say."""
    if rows is None:
        return None
    by_key = {clip.key: clip for clip in clips or ()}
    samples = []
    for row in rows:
        if row["status"] == SAMPLE:
            clip = by_key.get(row["key"])
            samples.append(ExpectedSample(row["key"], row, None if clip is None else json_member(sample_from(clip, b"", dict(row)))))
    return samples


def _marker_faults(folder: Folder, marker: Marker, rows: Sequence[Mapping[str, Any]] | None, n_samples: int) -> list[Fault]:
    """Return where counts, sizes and hashes of a marker are not those of its files."""
    shard = marker.shard
    whats = list(counts_that_differ(marker, rows)) if rows is not None else []
    if marker.n_samples != n_samples:
        whats.append(f"n_samples is {marker.n_samples}, the tar has {n_samples}")
    faults = [Fault(shard, None, marker_name(shard), what, REPAIR) for what in whats]
    for name, expected in ((tar_name(shard), marker.tar), (books_name(shard), marker.parquet)):
        what = _facts_that_differ(folder, name, expected)
        faults += [Fault(shard, None, name, what, REPAIR)] if what is not None else []
    return faults


def _facts_that_differ(folder: Folder, name: str, expected: FileFacts) -> str | None:
    """Return how size or hash of a file differ from its marker; all of it is read only where the size is right."""
    try:
        size = folder.size(name)
        if size is None or size != expected.bytes:
            return None if size is None else f"has {size} bytes, the marker says {expected.bytes}"
        actual = facts_of(folder, name)
    except (OSError, DamagedFileError):  # named where the file is checked
        return None
    return None if actual == expected else f"has the sha256 {actual.sha256[:12]}, the marker says {expected.sha256[:12]}"


def _sounds(shard: ShardId, rows: Iterable[Mapping[str, Any]]) -> Iterable[Sound]:
    for row in rows:
        if row["pcm_sha256"] is not None:
            yield Sound(row["pcm_sha256"], shard, row["key"], shard_sort_key(row["recording"], row["start"], row["key"]))
