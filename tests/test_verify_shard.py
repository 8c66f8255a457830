"""The files of a shard are compared with each other: each fault has its file and its remedy, and hides no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.keys import shard_sort_key, stable_hash
from pipeline.output.books import books_row, read_books, sounds_sha256, write_books
from pipeline.output.layout import plan_name
from pipeline.output.markers import Marker, facts_of, inputs_sha256
from pipeline.output.plan_files import rows_sha256
from pipeline.output.plan_index import PlannedShard
from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, Provenance, Reason, Rejection, Sample
from pipeline.verbs.verify_fault import BUILD, PLAN_AGAIN, REPAIR, Fault
from pipeline.verbs.verify_shard import CheckedShard, ShardCheck, check_shard
from tests.outcomes import SHARD, clip, rejection, sample, write_plan, write_shard
from tests.test_verify_audio import FRAMES, flac
from transforms.audio.meter import Meter
from transforms.shards.equal_sounds import Sound
from transforms.shards.previous_shard import audio_request_hash
from transforms.shards.shard_task import settings_hash
from transforms.shards.versions import VERSIONS

LIMITS = AudioLimits()
SETTINGS = settings_hash(4, LIMITS)
TAR, BOOKS, MARKER = "Set/train/0.tar", "Set/train/0.parquet", "Set/train/0_stats.json"
PLAN_FILE = f"plan/{plan_name(SHARD)}"
HASHED = Provenance("https://example.org/a.wav", 200, None, 1234, "0" * 64)
MADE_WITH = dict.fromkeys(VERSIONS, "1") | {"conversion": "4"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


@pytest.fixture
def check(folder: Folder) -> ShardCheck:
    """A shard of a sample, a clip with the same sound, and one that was not fetched; and what to check it against."""
    meter = Meter()
    meter.add(FRAMES, 0)
    pcm = meter.statistics(0).pcm_sha256
    clips = [clip(name, recording="r", start=float(number)) for number, name in enumerate("abc")]
    outcomes: list[Sample | Rejection] = [
        replace(sample(clips[0], flac=flac()), statistics=meter.statistics(0), provenance=HASHED),
        replace(rejection(clips[1], Reason.DUPLICATE, pcm), stage="equal_sounds", detail="same sound as table-a", provenance=HASHED),
        replace(rejection(clips[2], Reason.NOT_FOUND), stage="fetch", provenance=None),
    ]
    plan = write_plan({SHARD: clips}, folder)
    marker = write_shard(outcomes, folder)
    rows = [books_row(outcome, audio_request_hash(outcome.clip, SETTINGS)) for outcome in outcomes]
    write_books(rows, Path(folder.path(BOOKS)))
    publish(folder, marker, inputs_sha256=inputs_sha256(marker.rows_sha256, SETTINGS, ()))
    return ShardCheck(plan.shards[0], LIMITS, (), True)


def publish(folder: Folder, marker: Marker, **values: Any) -> Marker:
    """Write a marker that agrees with tar and books, but for some values."""
    facts = {"tar": facts_of(folder, TAR), "parquet": facts_of(folder, BOOKS), "audio_seconds": round(marker.audio_seconds, 6)}
    changed = replace(marker, **({**facts, "versions": MADE_WITH} | values))
    folder.write_json(MARKER, changed.to_json())
    return changed


def marker_of(folder: Folder) -> Marker:
    return Marker.from_json(folder.read_json(MARKER))


def lines(folder: Folder, check: ShardCheck) -> list[tuple[str, str, str]]:
    """Return file, text and remedy of each fault; all name the shard."""
    checked = check_shard(folder, check)
    assert all(fault.shard == SHARD for fault in checked.faults)
    return [(fault.file, fault.what, fault.remedy) for fault in checked.faults]


def test_a_shard_of_a_build_has_no_faults_and_gives_its_sounds(folder: Folder, check: ShardCheck) -> None:
    pcm = [Sound(row["pcm_sha256"], SHARD, row["key"], shard_sort_key("r", row["start"], row["key"])) for row in books(folder)[:2]]
    assert check_shard(folder, check) == CheckedShard(SHARD, (), 1, tuple(pcm), sounds_sha256(books(folder)), MADE_WITH)
    assert check_shard(folder, replace(check, deep=False, limits=None, in_other_shards=None)).faults == ()
    assert len({check, replace(check)}) == 1


def books(folder: Folder) -> list[dict[str, Any]]:
    return read_books(folder, SHARD).to_pylist()


def test_a_shard_that_is_not_built(folder: Folder, check: ShardCheck) -> None:
    for name in (TAR, BOOKS, MARKER):
        folder.remove(name)
    assert check_shard(folder, check) == CheckedShard(SHARD, (Fault(SHARD, None, MARKER, "missing: the shard is not built", BUILD),), 0)


@pytest.mark.parametrize("name", [TAR, BOOKS, MARKER])
def test_a_missing_file_is_made_again(name: str, folder: Folder, check: ShardCheck) -> None:
    folder.remove(name)
    (first, *more) = lines(folder, check)
    what = "the marker is missing" if name == MARKER else "missing"
    assert first == (name, what, REPAIR) or (name, what, REPAIR) in more
    if name == BOOKS:
        assert check_shard(folder, check) == CheckedShard(SHARD, (Fault(SHARD, None, BOOKS, "missing", REPAIR),), 1, versions=MADE_WITH)
    if name == TAR:
        assert [first, *more] == [
            (TAR, "missing", REPAIR),
            (MARKER, "n_samples is 1, the tar has 0", REPAIR),
        ]


def test_rows_of_the_plan_that_are_missing_are_put_back(folder: Folder, check: ShardCheck) -> None:
    folder.remove(PLAN_FILE)
    assert lines(folder, check) == [(PLAN_FILE, "missing", PLAN_AGAIN)]


def test_a_shard_of_other_rows_is_not_compared_with_those_of_now(folder: Folder, check: ShardCheck) -> None:
    write_plan({SHARD: [clip("z")]}, folder)
    marker = marker_of(folder)
    planned = PlannedShard(SHARD, 1, rows_sha256([clip("z")]))
    assert marker.rows_sha256 != planned.rows_sha256
    assert lines(folder, replace(check, planned=planned)) == [(MARKER, "the shard was made from other rows than the plan has now", BUILD)]


def test_other_inputs_are_a_reason_to_build(folder: Folder, check: ShardCheck) -> None:
    publish(folder, marker_of(folder), inputs_sha256="x")
    inputs = "inputs_sha256 is not that of the rows, the recipe's [audio] and the equal sounds"
    assert lines(folder, check) == [(MARKER, inputs, BUILD)]
    publish(folder, marker_of(folder), inputs_sha256=stable_hash("older audio", check.planned.rows_sha256))
    assert lines(folder, replace(check, limits=AudioLimits(1.0))) == []


def test_requests_are_compared_where_the_settings_are_known(folder: Folder, check: ShardCheck) -> None:
    publish(folder, marker_of(folder), versions=dict.fromkeys(VERSIONS, "1") | {"conversion": "5"})
    assert [file for file, _, _ in lines(folder, check)] == [MARKER, BOOKS, BOOKS, BOOKS]
    publish(folder, marker_of(folder), versions=dict.fromkeys(VERSIONS, "1") | {"conversion": "x"})
    assert [file for file, _, _ in lines(folder, check)] == [MARKER]


def test_sizes_and_hashes_are_those_of_the_marker(folder: Folder, check: ShardCheck) -> None:
    marker = marker_of(folder)
    tar, parquet = marker.tar, marker.parquet
    publish(folder, marker, tar=replace(tar, bytes=7), parquet=replace(parquet, sha256="f" * 64), n_samples=3)
    assert lines(folder, check) == [
        (MARKER, "n_samples is 3, the books give 1", REPAIR),
        (MARKER, "n_samples is 3, the tar has 1", REPAIR),
        (TAR, f"has {tar.bytes} bytes, the marker says 7", REPAIR),
        (BOOKS, f"has the sha256 {parquet.sha256[:12]}, the marker says {'f' * 12}", REPAIR),
    ]


def test_the_tar_is_compared_with_plan_and_books(folder: Folder, check: ShardCheck) -> None:
    rows = books(folder)
    write_books([rows[0] | {"peak": 0.999, "final_url": "https://other.org"}, *rows[1:]], Path(folder.path(BOOKS)))
    publish(folder, marker_of(folder))
    faults = check_shard(folder, check).faults
    assert [(fault.file, fault.key, fault.remedy) for fault in faults] == [(TAR, "table-a", REPAIR)] * len(faults) and faults
    assert faults[0].what == "table-a.flac: its audio has peak 1.0, the books say 0.999"
    assert check_shard(folder, replace(check, deep=False)).faults == faults[1:]
    folder.remove(PLAN_FILE)
    assert [fault.file for fault in check_shard(folder, check).faults] == [PLAN_FILE, TAR]
