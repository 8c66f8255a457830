"""Everything again from the files themselves: hashes, pairs, JSON, counts, and with `deep` the audio."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import soundfile

from pipeline.output.plan_files import plan_name, read_left_out, read_plan_file, rows_sha256
from pipeline.output.shard_files import books_name, facts_of, marker_name, read_books, read_marker, tar_name
from pipeline.output.storage import Folder
from pipeline.records import SAMPLE_RATE
from pipeline.verbs.plan import INDEX, LEFT_OUT, PLAN, Plan, PlannedShard, read_plan

KEY = re.compile(r"^[a-z0-9_-]+$")
NEEDED = {"text": list, "tag": list, "original_data": dict}


def verify(folder: Folder, deep: bool) -> Iterator[str]:
    """Yield every fault of an output folder in words; nothing when it is sound."""
    plan = read_plan(folder)
    if plan is None:
        yield f"{PLAN}/{INDEX}: missing, this is no output folder of ours"
        return
    if read_left_out(folder, f"{PLAN}/{LEFT_OUT}").num_rows != plan.n_left_out:
        yield f"{PLAN}/{LEFT_OUT}: not the {plan.n_left_out} rows that {PLAN}/{INDEX} counts"
    sizes: dict[str, dict[str, int]] = {}
    for planned in plan.shards:
        faults, n_samples = verify_shard(planned, folder, deep)
        yield from faults
        sizes.setdefault(planned.shard.folder, {})[f"{planned.shard.index}.tar"] = n_samples
    yield from _verify_sizes(sizes, folder)
    yield from _verify_strangers(plan, folder)


def verify_shard(planned: PlannedShard, folder: Folder, deep: bool) -> tuple[list[str], int]:
    """Return the faults of one shard, and how many samples its tar really holds."""
    shard = planned.shard
    faults = _verify_plan_file(planned, folder)
    marker = read_marker(folder, shard)
    if marker is None:
        faults.append(f"{marker_name(shard)}: the marker is missing or cannot be read")
    facts = {tar_name(shard): marker and marker.tar, books_name(shard): marker and marker.parquet}
    for name, expected in facts.items():
        if not folder.exists(name):
            return [*faults, f"{name}: missing"], 0
        if expected and (found := facts_of(folder, name)) != expected:
            faults.append(
                f"{name}: {found.bytes} bytes, sha256 {found.sha256[:12]}, the marker says {expected.bytes}, {expected.sha256[:12]}"
            )
    try:
        books = read_books(folder, shard)
    except (pa.ArrowInvalid, OSError) as error:
        faults.append(f"{books_name(shard)}: cannot be read ({error})")
        books = None
    tar_faults, keys = _verify_tar(tar_name(shard), folder, deep)
    faults += tar_faults
    if books is not None:
        faults += _verify_books(planned, books.to_pylist(), keys)
    if marker is not None and len(keys) != marker.n_samples:
        faults.append(f"{tar_name(shard)}: {len(keys)} samples, the marker says {marker.n_samples}")
    return faults, len(keys)


def _verify_plan_file(planned: PlannedShard, folder: Folder) -> list[str]:
    name = f"{PLAN}/{plan_name(planned.shard)}"
    try:
        clips = read_plan_file(folder, name)
    except FileNotFoundError:
        return [f"{name}: missing"]
    except (pa.ArrowInvalid, OSError) as error:
        return [f"{name}: cannot be read ({error})"]
    return [] if rows_sha256(clips) == planned.rows_sha256 else [f"{name}: its rows are not those that {PLAN}/{INDEX} names"]


def _verify_books(planned: PlannedShard, rows: list[dict[str, Any]], keys: list[str]) -> list[str]:
    """Return where books, plan and tar disagree."""
    name = books_name(planned.shard)
    samples = [row["key"] for row in rows if row["status"] == "sample"]
    faults = []
    if len(rows) != planned.n_rows:
        faults.append(f"{name}: {len(rows)} rows, {planned.n_rows} were planned")
    faults += [f"{name}: {row['key']} is rejected without a reason" for row in rows if row["status"] != "sample" and not row["reason"]]
    faults += [f"{tar_name(planned.shard)}: {key} is missing, the books say it is a sample" for key in (Counter(samples) - Counter(keys))]
    faults += [f"{tar_name(planned.shard)}: {key} is not a sample by the books" for key in (Counter(keys) - Counter(samples))]
    return faults


def _verify_tar(name: str, folder: Folder, deep: bool) -> tuple[list[str], list[str]]:
    """Return the faults of a tar and the keys of its samples."""
    faults: list[str] = []
    keys: list[str] = []
    waiting: str | None = None
    try:
        with folder.open(name) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                key, _, kind = member.name.rpartition(".")
                extracted = tar.extractfile(member)
                data = extracted.read() if extracted else b""
                faults += [f"{name}: {member.name}: {fault}" for fault in _member_faults(key, kind, waiting, data, deep)]
                if kind == "flac":
                    waiting = key
                else:
                    keys += [key] if kind == "json" and key == waiting else []
                    waiting = None
    except (tarfile.TarError, OSError) as error:
        faults.append(f"{name}: not a readable tar ({error})")
    if waiting is not None:
        faults.append(f"{name}: {waiting}.flac has no JSON")
    faults += [f"{name}: key {key} occurs {count} times" for key, count in Counter(keys).items() if count > 1]
    return faults, keys


def _member_faults(key: str, kind: str, waiting: str | None, data: bytes, deep: bool) -> Iterator[str]:
    if not KEY.match(key):
        yield "a key may hold only a-z, 0-9, _ and -"
    if kind == "flac":
        if waiting is not None:
            yield f"comes where {waiting}.json should be"
        if deep:
            yield from _flac_faults(data)
        elif not data.startswith(b"fLaC"):
            yield "is not FLAC"
    elif kind == "json":
        if key != waiting:
            yield "has no FLAC before it"
        yield from _json_faults(data)
    else:
        yield "neither .flac nor .json"


def _flac_faults(data: bytes) -> Iterator[str]:
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            n_frames = len(sound.read(dtype="int16"))
            shape = sound.format, sound.subtype, sound.channels, sound.samplerate
            promised = sound.frames
    except soundfile.LibsndfileError as error:
        yield f"does not decode ({error.error_string})"
        return
    if shape != ("FLAC", "PCM_16", 1, SAMPLE_RATE):
        yield f"is {shape}, not 16-bit mono FLAC at {SAMPLE_RATE} Hz"
    if n_frames == 0 or n_frames != promised:
        yield f"holds {n_frames} frames, its header says {promised}"


def _json_faults(data: bytes) -> Iterator[str]:
    try:
        sample = json.loads(data)
    except (ValueError, UnicodeDecodeError) as error:
        yield f"is not JSON ({error})"
        return
    if not isinstance(sample, dict):
        yield "is not a JSON object"
        return
    yield from (f"{key!r} is missing or no {kind.__name__}" for key, kind in NEEDED.items() if not isinstance(sample.get(key), kind))
    text = sample.get("text")
    if isinstance(text, list) and (not text or not all(isinstance(caption, str) and caption for caption in text)):
        yield "'text' must be a list of at least one non-empty string"
    if ("text_augment_all" in sample) != ("text_augment_t5" in sample):
        yield "'text_augment_all' and 'text_augment_t5' go together"


def _verify_sizes(counted: dict[str, dict[str, int]], folder: Folder) -> Iterator[str]:
    for split, sizes in counted.items():
        name = f"{split}/sizes.json"
        try:
            given = folder.read_json(name)
        except (FileNotFoundError, ValueError):
            yield f"{name}: missing or not JSON"
            continue
        for tar in sorted(sizes.keys() | given.keys()):
            if sizes.get(tar) != given.get(tar):
                yield f"{name}: {tar} is {given.get(tar, 'missing')}, counted {sizes.get(tar, 'no such shard')}"


def _verify_strangers(plan: Plan, folder: Folder) -> Iterator[str]:
    """Yield the tars that readers would find and the plan does not know."""
    known = {tar_name(planned.shard) for planned in plan.shards}
    yield from (f"{name}: not in the plan" for name in folder.names(suffix=".tar") if name not in known)
