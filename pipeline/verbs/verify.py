"""Compare the files of an output folder with each other: plan, tars, books, markers, sizes. Each fault is one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from pipeline.output.books import SAMPLE, read_books
from pipeline.output.equal_sounds_file import read_equal_sounds
from pipeline.output.layout import EQUAL_SOUNDS, INDEX, LEFT_OUT, PLAN, TAR, books_name, marker_name, plan_name, sizes_name, tar_name
from pipeline.output.markers import facts_of
from pipeline.output.plan_files import count_left_out, read_left_out, read_rows_of, rows_sha256
from pipeline.output.plan_index import OutputFormatError, PlannedShard
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.verbs.verify_tar import verify_tar
from transforms.shards.equal_sounds import sounds_left_out, sounds_of


def verify(folder: Folder, deep: bool) -> Iterator[str]:
    """Yield every fault of an output folder; nothing when it has no faults.

    Args:
        deep: decode all audio too.
    """
    try:
        snapshot = take_snapshot(folder)
    except OutputFormatError as error:
        yield str(error)
        return
    if snapshot.plan is None:
        yield f"{PLAN}/{INDEX}: missing, this is not an output folder"
        return
    yield from _verify_left_out(folder, snapshot.plan.left_out)
    sizes: dict[str, dict[str, int]] = {}
    for planned in snapshot.plan.shards:
        faults, n_samples = verify_shard(planned, snapshot, deep)
        yield from faults
        sizes.setdefault(planned.shard.folder, {})[f"{planned.shard.index}{TAR}"] = n_samples
    yield from _verify_equal_sounds(snapshot)
    yield from _verify_sizes(sizes, folder)
    yield from _verify_unplanned(snapshot)


def verify_shard(planned: PlannedShard, snapshot: Snapshot, deep: bool) -> tuple[list[str], int]:
    """Return the faults of one shard, and the number of samples in its tar."""
    shard, folder = planned.shard, snapshot.folder
    faults = _verify_plan_file(planned, folder)
    marker = snapshot.markers.get(shard)
    if marker is None:
        faults.append(f"{marker_name(shard)}: the marker is missing or cannot be read")
    elif marker.rows_sha256 != planned.rows_sha256:
        faults.append(f"{marker_name(shard)}: built from other rows than the plan has now; build again")
    for name, expected in ((tar_name(shard), marker and marker.tar), (books_name(shard), marker and marker.parquet)):
        if name not in snapshot.files:
            return [*faults, f"{name}: missing"], 0
        if expected and (actual := facts_of(folder, name)) != expected:
            faults.append(
                f"{name}: {actual.bytes} bytes, sha256 {actual.sha256[:12]}, the marker says {expected.bytes}, {expected.sha256[:12]}"
            )
    tar_faults, keys = verify_tar(tar_name(shard), folder, deep)
    faults += tar_faults + _verify_books(planned, folder, keys)
    if marker is not None and len(keys) != marker.n_samples:
        faults.append(f"{tar_name(shard)}: {len(keys)} samples, the marker says {marker.n_samples}")
    return faults, len(keys)


def _verify_left_out(folder: Folder, counted: Mapping[str, Mapping[str, int]]) -> list[str]:
    name = f"{PLAN}/{LEFT_OUT}"
    try:
        same = count_left_out(read_left_out(folder)) == counted
    except FileNotFoundError:
        return [f"{name}: missing"]
    except (pa.ArrowInvalid, OSError) as error:
        return [f"{name}: cannot be read ({error})"]
    return [] if same else [f"{name}: its rows are not those that {PLAN}/{INDEX} counts"]


def _verify_plan_file(planned: PlannedShard, folder: Folder) -> list[str]:
    name = f"{PLAN}/{plan_name(planned.shard)}"
    try:
        clips = read_rows_of(folder, planned.shard)
    except FileNotFoundError:
        return [f"{name}: missing"]
    except (pa.ArrowInvalid, OSError) as error:
        return [f"{name}: cannot be read ({error})"]
    return [] if rows_sha256(clips) == planned.rows_sha256 else [f"{name}: its rows are not those that {PLAN}/{INDEX} names"]


def _verify_books(planned: PlannedShard, folder: Folder, keys: list[str]) -> list[str]:
    """Return the differences between books, plan and tar; `keys` are those of the samples in the tar."""
    name, tar = books_name(planned.shard), tar_name(planned.shard)
    try:
        rows: list[dict[str, Any]] = read_books(folder, planned.shard).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        return [f"{name}: cannot be read ({error})"]
    samples = [row["key"] for row in rows if row["status"] == SAMPLE]
    faults = []
    if len(rows) != planned.n_rows:
        faults.append(f"{name}: {len(rows)} rows, {planned.n_rows} were planned")
    faults += [f"{name}: {row['key']} is rejected without a reason" for row in rows if row["status"] != SAMPLE and not row["reason"]]
    faults += [f"{tar}: {key} is missing, the books say it is a sample" for key in (Counter(samples) - Counter(keys))]
    faults += [f"{tar}: {key} is not a sample by the books" for key in (Counter(keys) - Counter(samples))]
    return faults


def _verify_equal_sounds(snapshot: Snapshot) -> Iterator[str]:
    """Yield a fault for each shard whose equal sounds in the plan differ from those that the books of all shards give."""
    assert snapshot.plan is not None
    try:
        sounds = [sound for planned in snapshot.plan.shards for sound in sounds_of(snapshot.folder, planned.shard)]
    except (pa.ArrowInvalid, OSError):  # reported with the shard
        return
    expected: dict[ShardId, list[tuple[str, str]]] = {}
    for shard, pcm_sha256, key in sounds_left_out(sounds):
        expected.setdefault(shard, []).append((pcm_sha256, key))
    recorded = read_equal_sounds(snapshot.folder).in_other_shards
    for shard in sorted(expected.keys() | recorded.keys()):
        if tuple(sorted(expected.get(shard, ()))) != recorded.get(shard, ()):
            yield f"{PLAN}/{EQUAL_SOUNDS}: {shard}: not the sounds that the books of all shards give; build again"


def _verify_sizes(counted: dict[str, dict[str, int]], folder: Folder) -> Iterator[str]:
    for split, sizes in counted.items():
        name = sizes_name(split)
        try:
            given = folder.read_json(name)
        except (FileNotFoundError, ValueError):
            yield f"{name}: missing or not JSON"
            continue
        for tar in sorted(sizes.keys() | given.keys()):
            if sizes.get(tar) != given.get(tar):
                yield f"{name}: {tar} is {given.get(tar, 'missing')}, counted {sizes.get(tar, 'no such shard')}"


def _verify_unplanned(snapshot: Snapshot) -> Iterator[str]:
    """Yield a fault for each tar that is not in the plan: readers would read it."""
    planned = {tar_name(entry.shard) for entry in snapshot.plan.shards} if snapshot.plan else set()
    yield from (f"{name}: not in the plan" for name in snapshot.files if name.endswith(TAR) and name not in planned)
