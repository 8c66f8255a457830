"""Each rule for a row of the books has a line of its own, and its limits are those that are written."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.books import BOOKS, books_row
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, ShardId
from pipeline.verbs.verify_books import check_books
from tests.outcomes import SHARD, clip, rejection, sample
from transforms.shards.previous_shard import audio_request_hash

HASH, OTHER_HASH = "0" * 64, "1" * 64
TAKEN, EQUAL, GONE = (clip(name, recording="r", start=float(number)) for number, name in enumerate("abc"))
CLIPS = (TAKEN, EQUAL, GONE)


def rows() -> list[dict[str, Any]]:
    """Return the rows of a sample, of a clip with the same sound, and of one that was not fetched."""
    outcomes = [
        sample(TAKEN, HASH),
        replace(rejection(EQUAL, Reason.DUPLICATE, HASH), stage="equal_sounds", detail="same sound as table-a"),
        replace(rejection(GONE, Reason.NOT_FOUND), stage="fetch"),
    ]
    made = [books_row(outcome, audio_request_hash(outcome.clip, "settings")) | {"source_sha256": OTHER_HASH} for outcome in outcomes]
    made[0] |= {"clipped_fraction": 0.25}
    return made


def check(
    folder: Path,
    given: list[dict[str, Any]],
    clips: tuple[Clip, ...] | None = None,
    settings: str | None = None,
    equal: tuple[tuple[str, str], ...] | None = None,
    schema: pa.Schema = BOOKS,
    shard: ShardId = SHARD,
) -> list[tuple[str | None, str]]:
    (folder / shard.folder).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(given, schema), folder / f"{shard}.parquet")
    findings, read = check_books(Folder(str(folder)), shard, clips, settings, equal)
    assert read is None or [row["key"] for row in read] == [row["key"] for row in given]
    return [(finding.key, finding.what) for finding in findings]


def changed(number: int, **values: Any) -> list[dict[str, Any]]:
    return [row | (values if n == number else {}) for n, row in enumerate(rows())]


def test_books_of_a_build_have_no_faults(tmp_path: Path) -> None:
    assert check(tmp_path, rows()) == check(tmp_path, rows(), CLIPS, "settings", ()) == []


def test_books_that_cannot_be_read_are_one_fault(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    assert check_books(folder, SHARD, None, None, None)[1] is None
    assert [each.what for each in check_books(folder, SHARD, None, None, None)[0]] == ["missing"]
    folder.write("Set/train/0.parquet", b"x")
    (finding,), read = check_books(folder, SHARD, None, None, None)
    assert (finding.key, read) == (None, None) and finding.what.startswith("damaged: Parquet")
    (tmp_path / "Set/train/0.parquet").unlink()
    (tmp_path / "Set/train/0.parquet").symlink_to("/proc/self/mem")
    (finding,), read = check_books(folder, SHARD, None, None, None)
    assert (finding.key, read) == (None, None) and finding.what.startswith("cannot be read (")


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ([*BOOKS.names, "more", "yet"], "with more, yet"),
        (BOOKS.names[::-1], "in another order"),
        ([name for name in BOOKS.names if name not in {"title", "creator"}], "without creator, title"),
        ([name for name in BOOKS.names if name != "title"] + ["more"], "without title, with more"),
    ],
)
def test_columns_are_those_of_books(names: list[str], what: str, tmp_path: Path) -> None:
    schema = pa.schema([BOOKS.field(name) if name in BOOKS.names else (name, pa.string()) for name in names])
    assert check(tmp_path, rows(), schema=schema) == [(None, f"its columns are not those of books: {what}")]


def test_a_row_without_an_outcome_is_named_and_its_books_give_no_rows(tmp_path: Path) -> None:
    assert check(tmp_path, changed(1, status="x")) == [("table-b", "status is 'x', neither 'sample' nor 'rejected'")]
    assert check_books(Folder(str(tmp_path)), SHARD, CLIPS, "settings", ())[1] is None
    schema = pa.schema([*BOOKS, ("more", pa.string())])
    assert [key for key, _ in check(tmp_path, changed(1, status="x"), schema=schema)] == [None, "table-b"]


RIGHT = "right"
SHOWN_HASH = f"{HASH!r}"[:57] + "..."


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"dataset": "Other"}, "is a row of Other/train"),
        ({"split": "test"}, "is a row of Set/test"),
        ({"id": "z"}, "its key is not that of source 'table' and id 'z'"),
        ({"source_sha256": "x" * 64}, f"source_sha256 is '{'x' * 56}..., no SHA-256"),
        ({"source_sha256": "0" * 63}, f"source_sha256 is '{'0' * 56}..., no SHA-256"),
        ({"source_sha256": None}, RIGHT),
        ({"pcm_sha256": "x"}, "pcm_sha256 is 'x', no SHA-256"),
        ({"source_bytes": -1}, "source_bytes is -1"),
        ({"source_bytes": 0}, RIGHT),
        ({"source_bytes": None}, RIGHT),
        ({"http_status": 99}, "http_status is 99"),
        ({"http_status": 600}, "http_status is 600"),
        ({"http_status": 100}, RIGHT),
        ({"http_status": 599}, RIGHT),
        ({"http_status": None}, RIGHT),
        ({"reason": "corrupt"}, "is a sample and has a reason: 'corrupt'"),
        ({"stage": "fetch"}, "is a sample and has a stage: 'fetch'"),
        ({"detail": ""}, "is a sample and has a detail: ''"),
        ({"n_frames": 0, "duration": 0.0}, "n_frames is 0, duration 0.0"),
        ({"n_frames": 48_000}, "n_frames is 48000, duration 0.5"),
        ({"n_frames": 1, "duration": 1 / 48_000, "clipped_fraction": 1.0}, RIGHT),
        ({"silent_fraction": 1.0}, RIGHT),
        ({"silent_fraction": 0.0}, RIGHT),
        ({"silent_fraction": 1.1}, "silent_fraction is 1.1, not from 0 to 1"),
        ({"silent_fraction": -0.1}, "silent_fraction is -0.1, not from 0 to 1"),
        ({"peak": 1.5}, "peak is 1.5, not from 0 to 1"),
        ({"clipped_fraction": 1.5}, "clipped_fraction is 1.5, not from 0 to 1"),
        ({"clipped_fraction": math.inf}, "clipped_fraction is inf, not from 0 to 1"),
        ({"rms": 0.25}, RIGHT),
        ({"rms": 0.25 + 1e-8}, RIGHT),
        ({"rms": 0.25 + 1.5e-8}, "rms is 0.250000015 and dc -0.01 with a peak of 0.25"),
        ({"dc": -0.125}, RIGHT),
        ({"dc": -(0.125 + 1e-8)}, RIGHT),
        ({"dc": -0.125 - 1.5e-8}, "rms is 0.125 and dc -0.125000015 with a peak of 0.25"),
        ({"clipped_fraction": 0.5 / 24_000}, f"clipped_fraction is {0.5 / 24_000}, no share of 24000 frames"),
        ({"clipped_fraction": 1.0015 / 24_000}, f"clipped_fraction is {1.0015 / 24_000}, no share of 24000 frames"),
        ({"clipped_fraction": 1.0005 / 24_000}, RIGHT),
        ({"flac_bytes": 0}, "flac_bytes is 0, less than 1"),
        ({"flac_bytes": 1}, RIGHT),
        ({"n_nonfinite": -1}, "n_nonfinite is -1, less than 0"),
        ({"n_nonfinite": 0}, RIGHT),
        ({"source_rate": 0}, "source_rate is 0, less than 1"),
        ({"source_rate": 1}, RIGHT),
        ({"source_channels": 0}, "source_channels is 0, less than 1"),
        ({"source_channels": 1}, RIGHT),
        ({"source_format": ""}, "source_format is empty"),
        ({"decoder": ""}, "decoder is empty"),
    ],
)
def test_values_of_a_sample(values: dict[str, Any], what: str, tmp_path: Path) -> None:
    assert check(tmp_path, changed(0, **values)) == ([] if what == RIGHT else [("table-a", what)])


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"stage": "plan"}, "stage is 'plan', not one of convert, equal_sounds, fetch"),
        ({"stage": "convert"}, RIGHT),
        ({"detail": "x" * 300}, RIGHT),
        ({"detail": "x" * 301}, "detail has 301 characters, more than 300"),
        ({"flac_bytes": 1}, "is rejected and has a flac_bytes: 1"),
        ({"source_format": "wav"}, "is rejected and has a source_format: 'wav'"),
        ({"n_frames": 1}, "is rejected and has a n_frames: 1"),
        ({"n_nonfinite": 0}, "is rejected and has a n_nonfinite: 0"),
        ({"pcm_sha256": HASH, "fingerprint": b""}, f"reason 'not_found' at stage 'fetch' with pcm_sha256 {SHOWN_HASH}"),
        ({"fingerprint": b"ab"}, "is rejected with fingerprint b'ab' and pcm_sha256 None"),
        ({"reason": "duplicate"}, "reason 'duplicate' at stage 'fetch' with pcm_sha256 None"),
        ({"stage": "equal_sounds"}, "reason 'not_found' at stage 'equal_sounds' with pcm_sha256 None"),
        (
            {"stage": "equal_sounds", "pcm_sha256": HASH, "fingerprint": b""},
            f"reason 'not_found' at stage 'equal_sounds' with pcm_sha256 {SHOWN_HASH}",
        ),
        ({"stage": "equal_sounds", "reason": "duplicate"}, "reason 'duplicate' at stage 'equal_sounds' with pcm_sha256 None"),
        ({"stage": "equal_sounds", "reason": "duplicate", "pcm_sha256": HASH, "fingerprint": b""}, RIGHT),
    ],
)
def test_values_of_a_rejection(values: dict[str, Any], what: str, tmp_path: Path) -> None:
    assert check(tmp_path, changed(2, **values)) == ([] if what == RIGHT else [("table-c", what)])


MISSING, TOO_OFTEN, MOVED = (
    "is in the plan and not in the books",
    "is in the books more often than in the plan",
    "is not where the order of the plan has it",
)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((0, 1), [("table-c", MISSING)]),
        ((0, 1, 2, 2), [("table-c", TOO_OFTEN)]),
        ((1, 0, 2), [("table-b", MOVED)]),
        ((0, 2, 1), [("table-c", MOVED)]),
        ((0, 0, 1), [("table-c", MISSING), ("table-a", TOO_OFTEN)]),
        ((), [("table-a", MISSING), ("table-b", MISSING), ("table-c", MISSING)]),
    ],
)
def test_rows_follow_the_plan_one_by_one(order: tuple[int, ...], expected: list[tuple[str, str]], tmp_path: Path) -> None:
    assert check(tmp_path, [rows()[n] for n in order], CLIPS) == expected


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"url": "z.wav"}, "url is 'z.wav', the plan gives 'b.wav'"),
        ({"start": None}, "start is None, the plan gives 1.0"),
        ({"title": "T"}, "title is 'T', the plan gives None"),
        ({"n_captions": 0}, "n_captions is 0, the plan gives 1"),
    ],
)
def test_values_are_those_of_the_plan(values: dict[str, Any], what: str, tmp_path: Path) -> None:
    assert check(tmp_path, changed(1, **values), CLIPS) == [("table-b", what)]
    assert check(tmp_path, changed(1, **values)) == []


def test_the_request_is_compared_where_the_settings_are_known(tmp_path: Path) -> None:
    given = changed(1, audio_request_hash="x")
    expected = audio_request_hash(EQUAL, "settings")
    assert check(tmp_path, given, CLIPS, "settings") == [("table-b", f"audio_request_hash is 'x', the plan gives {expected!r}")]
    assert check(tmp_path, given, CLIPS) == []


def test_a_row_that_is_not_in_the_plan_has_no_values_to_compare_with(tmp_path: Path) -> None:
    assert check(tmp_path, changed(1, title="T"), (TAKEN, GONE)) == [("table-b", TOO_OFTEN)]
    assert check(tmp_path, changed(2, title="T"), (TAKEN, GONE)) == [
        ("table-b", TOO_OFTEN),
        ("table-c", "title is 'T', the plan gives None"),
    ]


def test_equal_sounds_inside_a_shard(tmp_path: Path) -> None:
    first, second = rows()[0], books_row(sample(EQUAL, HASH), "") | {"clipped_fraction": 0.0, "source_sha256": None}
    assert check(tmp_path, [first, second], equal=()) == [("table-b", "is a sample, though it sounds exactly like table-a")]
    assert check(tmp_path, [first, second]) == []
    alone = "is rejected as a duplicate, though no other clip has its sound"
    assert check(tmp_path, rows()[1:], equal=()) == [("table-b", alone)]
    assert check(tmp_path, changed(1, detail="x"), equal=()) == [("table-b", "detail is 'x', it sounds like table-a")]


def test_equal_sounds_of_other_shards(tmp_path: Path) -> None:
    assert check(tmp_path, rows(), equal=((HASH, "table-z"),)) == [
        ("table-a", "is a sample, though it sounds exactly like table-z"),
        ("table-b", "detail is 'same sound as table-a', it sounds like table-z"),
    ]
    assert check(tmp_path, changed(1, detail="same sound as table-z")[1:], equal=((HASH, "table-z"),)) == []
    assert check(tmp_path, rows(), equal=((OTHER_HASH, "table-z"),)) == []
