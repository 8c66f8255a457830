"""Check the books of a shard: every column of every row, by itself, against the plan row of the clip, and against equal sounds."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.keys import sample_key
from pipeline.output.books import BOOKS, CLIP_COLUMNS, SAMPLE, outcome_fault, read_books
from pipeline.output.columns import cells, columns
from pipeline.output.damage import DamagedFileError
from pipeline.output.equal_sounds_file import SoundsInOtherShards
from pipeline.output.layout import books_name
from pipeline.output.parquet_files import read_columns
from pipeline.output.storage import Folder
from pipeline.records import MAX_DETAIL, SAMPLE_RATE, Clip, Reason, ShardId, SourceFormat, Statistics
from pipeline.verbs.verify_fault import Finding, shown, unread
from transforms.shards.previous_shard import audio_request_hash

STAGES = frozenset({"fetch", "convert", "equal_sounds"})
"""Stages at which a planned row may be rejected."""
HASH = re.compile(r"[0-9a-f]{64}")
ROUNDED = 1e-8  # the books round rms and dc to nine digits
OF_SOUNDS = ("pcm_sha256", "fingerprint")
"""Columns that a rejected row has too, where another clip has the same sound."""
ONLY_OF_SAMPLES = ("flac_bytes", *columns(SourceFormat), *(name for name in columns(Statistics) if name not in OF_SOUNDS))
ONLY_OF_REJECTIONS = ("reason", "stage", "detail")


def check_books(
    folder: Folder, shard: ShardId, clips: Sequence[Clip] | None, settings_hash: str | None, in_other_shards: SoundsInOtherShards | None
) -> tuple[list[Finding], list[dict[str, Any]] | None]:
    """Return what is wrong with the books of a shard, and their rows; `None` in place of rows that hold no outcomes.

    Args:
        clips: the plan rows of the shard; `None` where they cannot be read, or the shard was made from others.
        settings_hash: that of the dataset; `None` where it is not known.
        in_other_shards: the sounds that the shard must leave out; `None` where they are not known.
    """
    try:
        names = read_columns(folder, books_name(shard)).names
        rows: list[dict[str, Any]] = read_books(folder, shard).to_pylist()
    except (DamagedFileError, OSError) as error:
        return [Finding(None, unread(error))], None
    findings = [] if names == BOOKS.names else [Finding(None, f"its columns are not those of books: {_difference(names, BOOKS.names)}")]
    wrong = [Finding(row["key"], fault) for row in rows if (fault := outcome_fault(row)) is not None]
    if wrong:
        return findings + wrong, None
    findings += [Finding(row["key"], what) for row in rows for what in _row_findings(row, shard)]
    if clips is not None:
        findings += _plan_findings(rows, clips, settings_hash)
    if in_other_shards is not None:
        findings += _equal_findings(rows, dict(in_other_shards))
    return findings, rows


def _difference(given: Sequence[str], wanted: Sequence[str]) -> str:
    parts = (("without", [name for name in wanted if name not in given]), ("with", [name for name in given if name not in wanted]))
    return ", ".join(f"{word} {', '.join(names)}" for word, names in parts if names) or "in another order"


def _row_findings(row: Mapping[str, Any], shard: ShardId) -> Iterator[str]:
    """Yield what a row could not hold, whatever its clip and its audio are."""
    if (row["dataset"], row["split"]) != (shard.dataset, shard.split):
        yield f"is a row of {row['dataset']}/{row['split']}"
    if row["key"] != sample_key(row["source"], row["id"]):
        yield f"its key is not that of source {shown(row['source'])} and id {shown(row['id'])}"
    for name in ("source_sha256", "pcm_sha256"):
        if row[name] is not None and not HASH.fullmatch(row[name]):
            yield f"{name} is {shown(row[name])}, no SHA-256"
    if row["source_bytes"] is not None and row["source_bytes"] < 0:
        yield f"source_bytes is {row['source_bytes']}"
    if row["http_status"] is not None and not 100 <= row["http_status"] <= 599:
        yield f"http_status is {row['http_status']}"
    yield from (_sample_findings if row["status"] == SAMPLE else _rejection_findings)(row)


def _sample_findings(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"is a sample and has a {name}: {shown(row[name])}" for name in ONLY_OF_REJECTIONS if row[name] is not None)
    if row["n_frames"] < 1 or row["duration"] != row["n_frames"] / SAMPLE_RATE:
        yield f"n_frames is {row['n_frames']}, duration {row['duration']}"
    fractions = {name: row[name] for name in ("peak", "rms", "clipped_fraction", "silent_fraction")}
    yield from (f"{name} is {value}, not from 0 to 1" for name, value in fractions.items() if not 0 <= value <= 1)
    if not (row["rms"] <= row["peak"] + ROUNDED and abs(row["dc"]) <= row["rms"] + ROUNDED):
        yield f"rms is {row['rms']} and dc {row['dc']} with a peak of {row['peak']}"
    clipped = row["clipped_fraction"] * row["n_frames"]
    if math.isfinite(clipped) and abs(clipped - round(clipped)) > 1e-3:
        yield f"clipped_fraction is {row['clipped_fraction']}, no share of {row['n_frames']} frames"
    for name, least in (("flac_bytes", 1), ("n_nonfinite", 0), ("source_rate", 1), ("source_channels", 1)):
        if row[name] < least:
            yield f"{name} is {row[name]}, less than {least}"
    if len(row["fingerprint"]) % 2:
        yield f"fingerprint has {len(row['fingerprint'])} bytes, not two a peak"
    yield from (f"{name} is empty" for name in ("source_format", "decoder") if not row[name])


def _rejection_findings(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"is rejected and has a {name}: {shown(row[name])}" for name in ONLY_OF_SAMPLES if row[name] is not None)
    if row["stage"] not in STAGES:
        yield f"stage is {shown(row['stage'])}, not one of {', '.join(sorted(STAGES))}"
    if len(row["detail"]) > MAX_DETAIL:
        yield f"detail has {len(row['detail'])} characters, more than {MAX_DETAIL}"
    is_equal = row["stage"] == "equal_sounds"
    if is_equal != (row["fingerprint"] is not None):
        yield f"is rejected at stage {row['stage']!r} with fingerprint {shown(row['fingerprint'])}"
    if is_equal != (row["pcm_sha256"] is not None) or is_equal != (row["reason"] == Reason.DUPLICATE):
        yield f"reason {row['reason']!r} at stage {row['stage']!r} with pcm_sha256 {shown(row['pcm_sha256'])}"


def _plan_findings(rows: Sequence[Mapping[str, Any]], clips: Sequence[Clip], settings_hash: str | None) -> Iterator[Finding]:
    """Yield how the rows of the books differ from the rows of the plan, which they follow one by one."""
    in_books, in_plan = Counter(row["key"] for row in rows), Counter(clip.key for clip in clips)
    yield from (Finding(key, "is in the plan and not in the books") for key in in_plan - in_books)
    yield from (Finding(key, "is in the books more often than in the plan") for key in in_books - in_plan)
    if in_books == in_plan and (moved := [row["key"] for row, clip in zip(rows, clips, strict=True) if row["key"] != clip.key]):
        yield Finding(moved[0], "is not where the order of the plan has it")
    by_key = {clip.key: clip for clip in clips}
    for row in rows:
        if (clip := by_key.get(row["key"])) is None:
            continue
        values = cells(clip)
        expected = {name: values[name] for name in CLIP_COLUMNS} | {"n_captions": len(clip.captions)}
        if settings_hash is not None:
            expected["audio_request_hash"] = audio_request_hash(clip, settings_hash)
        for name, value in expected.items():
            if row[name] != value:
                yield Finding(clip.key, f"{name} is {shown(row[name])}, the plan gives {shown(value)}")


def _equal_findings(rows: Sequence[Mapping[str, Any]], in_other_shards: Mapping[str, str]) -> Iterator[Finding]:
    """Yield samples that sound like a clip that stays, and rejections as equal that no other clip sounds like."""
    first: dict[str, str] = {}
    for row in rows:
        if (pcm_sha256 := row["pcm_sha256"]) is None:
            continue
        stays = in_other_shards.get(pcm_sha256) or first.setdefault(pcm_sha256, row["key"])
        if row["status"] == SAMPLE and stays != row["key"]:
            yield Finding(row["key"], f"is a sample, though it sounds exactly like {stays}")
        elif row["status"] != SAMPLE and stays == row["key"]:
            yield Finding(row["key"], "is rejected as a duplicate, though no other clip has its sound")
        elif row["status"] != SAMPLE and row["detail"] != f"same sound as {stays}":
            yield Finding(row["key"], f"detail is {shown(row['detail'])}, it sounds like {stays}")
