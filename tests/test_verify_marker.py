"""A marker is compared with its plan, its books and its inputs, value by value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.keys import stable_hash
from pipeline.output.books import books_row, sounds_sha256
from pipeline.output.markers import Marker, inputs_sha256
from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, Reason, ShardId
from pipeline.verbs.verify_marker import check_marker, counts_that_differ, is_of_older_audio, wrong_inputs
from tests.outcomes import SHARD, rejection, sample, write_shard
from transforms.shards.shard_task import settings_hash
from transforms.shards.versions import VERSIONS

LIMITS, EQUAL = AudioLimits(), (("aa", "table-z"),)
ROWS = [
    books_row(outcome, "")
    for outcome in (
        sample("a", "aa"),
        sample("b", "bb"),
        rejection("c", Reason.SILENT),
        rejection("d", Reason.DUPLICATE, "aa"),
        rejection("e", Reason.SILENT),
    )
]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


@pytest.fixture
def marker(folder: Folder) -> Marker:
    versions = dict.fromkeys(VERSIONS, "1") | {"conversion": "4"}
    made = replace(write_shard([sample("a"), rejection("b", Reason.SILENT)], folder), versions=versions)
    folder.write_json("Set/train/0_stats.json", made.to_json())
    return made


def test_the_marker_of_a_build_has_no_faults(marker: Marker, folder: Folder) -> None:
    assert check_marker(folder, SHARD) == ([], marker)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"{", "damaged: not JSON (Expecting"),
        (b"[]", "damaged: the content is a list, not an object"),
        (b'{"format": 5}', "damaged: shard is missing"),
        (b'{"format": 1}', "damaged: a marker is of format 1"),
    ],
)
def test_what_is_no_marker(data: bytes, what: str, folder: Folder) -> None:
    folder.write("Set/train/0_stats.json", data)
    (line,), marker = check_marker(folder, SHARD)
    assert line.startswith(what) and marker is None


def test_a_marker_that_is_missing_or_cannot_be_read(folder: Folder, tmp_path: Path) -> None:
    assert check_marker(folder, SHARD) == (["the marker is missing"], None)
    (tmp_path / "Set/train").mkdir(parents=True)
    (tmp_path / "Set/train/0_stats.json").symlink_to("/proc/self/mem")
    (line,), marker = check_marker(folder, SHARD)
    assert line.startswith("cannot be read (") and marker is None


def test_the_marker_of_another_shard_does_not_count(marker: Marker, folder: Folder) -> None:
    folder.write_json("Set/train/1_stats.json", marker.to_json())
    assert check_marker(folder, ShardId("Set", "train", 1)) == (["it is the marker of Set/train/0"], None)


@pytest.mark.parametrize(
    ("versions", "whats"),
    [
        ({"conversion": "x"}, ["versions has conversion 'x', no number"]),
        ({"conversion": None}, ["versions has no 'conversion'", "versions has conversion None, no number"]),
        ({"av": None, "soxr": None}, ["versions has no 'av'", "versions has no 'soxr'"]),
    ],
)
def test_versions_are_those_that_builds_record(versions: dict[str, Any], whats: list[str], marker: Marker, folder: Folder) -> None:
    given = {name: value for name, value in (marker.versions | versions).items() if value is not None}
    folder.write_json("Set/train/0_stats.json", marker.to_json() | {"more": 1, "versions": given, "yet": 2})
    read, checked = check_marker(folder, SHARD)
    assert read == ["more is no value of a marker", "yet is no value of a marker", *whats]
    assert checked is not None and checked.versions == given


def test_inputs_are_compared_where_all_are_known(marker: Marker) -> None:
    right = replace(marker, inputs_sha256=inputs_sha256(marker.rows_sha256, settings_hash(4, LIMITS), EQUAL))
    wrong = "inputs_sha256 is not that of the rows, the recipe's [audio] and the equal sounds"
    assert wrong_inputs(right, LIMITS, EQUAL) is None
    assert wrong_inputs(marker, LIMITS, EQUAL) == wrong_inputs(right, LIMITS, ()) == wrong
    assert wrong_inputs(right, AudioLimits(1.0), EQUAL) == wrong
    assert wrong_inputs(replace(right, versions={"conversion": "5"}), LIMITS, EQUAL) == wrong
    assert wrong_inputs(marker, None, EQUAL) is wrong_inputs(marker, LIMITS, None) is None
    assert wrong_inputs(replace(marker, versions={}), LIMITS, EQUAL) is None


def test_shards_of_older_audio_have_inputs_of_their_own(marker: Marker) -> None:
    older = replace(marker, inputs_sha256=stable_hash("older audio", marker.rows_sha256))
    assert is_of_older_audio(older) and not is_of_older_audio(marker)
    assert wrong_inputs(older, LIMITS, EQUAL) is None


COUNTS: dict[str, Any] = {
    "n_planned": 5,
    "n_samples": 2,
    "n_rejected": 3,
    "reasons": {"duplicate": 1, "silent": 2},
    "audio_seconds": 1.0,
    "sounds_sha256": sounds_sha256(ROWS),
}


def test_counts_are_those_of_the_books(marker: Marker) -> None:
    right = replace(marker, **COUNTS)
    assert list(counts_that_differ(right, ROWS)) == []
    uneven = [ROWS[0] | {"duration": 0.1000004}, ROWS[1] | {"duration": 0.2}, *ROWS[2:]]
    assert list(counts_that_differ(replace(right, audio_seconds=0.3), uneven)) == []
    uneven[0]["duration"] = 0.100001
    assert list(counts_that_differ(replace(right, audio_seconds=0.3), uneven)) == ["audio_seconds is 0.3, the books give 0.300001"]


@pytest.mark.parametrize(
    ("name", "value"), [("n_planned", 4), ("n_samples", 3), ("n_rejected", 2), ("reasons", {"silent": 2}), ("audio_seconds", 0.5)]
)
def test_each_count_that_differs_is_named(name: str, value: Any, marker: Marker) -> None:
    expected = [f"{name} is {value!r}, the books give {COUNTS[name]!r}"]
    assert list(counts_that_differ(replace(marker, **(COUNTS | {name: value})), ROWS)) == expected


def test_counts_that_differ_come_in_the_order_of_the_marker(marker: Marker) -> None:
    wrong = replace(marker, n_planned=9, n_samples=9, n_rejected=9, reasons={}, audio_seconds=9.0, sounds_sha256="x")
    assert [line.split()[0] for line in counts_that_differ(wrong, ROWS)] == list(COUNTS)
