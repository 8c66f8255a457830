"""The books give back every outcome, and the hash of their sounds changes with the sounds alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.output.books import (
    BOOKS,
    books_row,
    outcome_fault,
    read_books,
    read_outcomes,
    rejection_from,
    sample_from,
    sounds_sha256,
    write_books,
)
from pipeline.output.damage import DamagedFileError
from pipeline.output.storage import Folder
from pipeline.records import Caption, Provenance, Reason, Rejection, Sample
from tests.outcomes import SHARD, clip, rejection, sample

OUTCOMES: list[Sample | Rejection] = [
    sample(clip("a", start=0.5, end=1.0, title="T", license="CC0", creator="C", captions=(Caption("x"), Caption("y"))), "aa", b"fLaC 12"),
    rejection("b", Reason.DUPLICATE, "aa"),
    rejection("c", Reason.NOT_FOUND),
    replace(rejection("d", Reason.SILENT), provenance=Provenance()),
]


def stored(folder: Path, outcomes: list[Sample | Rejection]) -> list[dict]:
    """Return the rows of these outcomes as they come back from a file."""
    (folder / "Set" / "train").mkdir(parents=True, exist_ok=True)
    write_books([books_row(outcome, f"request {n}") for n, outcome in enumerate(outcomes)], folder / "Set" / "train" / "0.parquet")
    return read_books(Folder(str(folder)), SHARD).to_pylist()


def test_outcomes_come_back_from_the_books(tmp_path: Path) -> None:
    for outcome, row in zip(OUTCOMES, stored(tmp_path, OUTCOMES), strict=True):
        if isinstance(outcome, Sample):
            assert sample_from(outcome.clip, outcome.flac, row) == outcome
        else:
            assert rejection_from(outcome.clip, row) == outcome


def test_a_row_has_the_facts_of_its_clip_and_its_outcome(tmp_path: Path) -> None:
    taken, refused = stored(tmp_path, OUTCOMES)[:2]
    assert list(taken) == BOOKS.names
    expected = {
        "key": "table-a",
        "dataset": "Set",
        "split": "train",
        "source": "table",
        "id": "a",
        "url": "a.wav",
        "start": 0.5,
        "end": 1.0,
        "recording": "a.wav",
        "license": "CC0",
        "creator": "C",
        "title": "T",
        "n_captions": 2,
        "audio_request_hash": "request 0",
        "status": "sample",
        "reason": None,
        "stage": None,
        "detail": None,
        "source_bytes": 1234,
        "source_rate": 44_100,
        "flac_bytes": 7,
        "pcm_sha256": "aa",
    }
    assert {name: taken[name] for name in expected} == expected
    assert (refused["status"], refused["reason"], refused["stage"]) == ("rejected", "duplicate", "stage")
    assert (refused["detail"], refused["pcm_sha256"], refused["flac_bytes"]) == ("detail of duplicate", "aa", None)


def test_a_rejection_without_provenance_has_that_of_no_fetch() -> None:
    row = books_row(replace(rejection("a", Reason.BAD_ROW), provenance=None), "")
    assert (row["source_variant"], row["http_status"]) == (None, None)


def test_details_are_cut_to_300_characters() -> None:
    assert books_row(replace(rejection("a", Reason.CORRUPT), detail="x" * 299 + "yz"), "")["detail"] == "x" * 299 + "y"


def test_some_columns_can_be_read(tmp_path: Path) -> None:
    stored(tmp_path, OUTCOMES)
    assert read_books(Folder(str(tmp_path)), SHARD, ["key"]).column_names == ["key"]


def test_missing_and_damaged_books_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_books(Folder(str(tmp_path)), SHARD)
    Folder(str(tmp_path)).write("Set/train/0.parquet", b"PAR1")
    with pytest.raises(DamagedFileError):
        read_books(Folder(str(tmp_path)), SHARD)


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_books([books_row(outcome, "r") for outcome in OUTCOMES], tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


ROWS = [books_row(sample("a", "aa"), ""), books_row(rejection("b", Reason.DUPLICATE, "aa"), ""), books_row(sample("c", "cc"), "")]


def test_sounds_have_the_same_hash_in_every_order() -> None:
    assert len({sounds_sha256(rows) for rows in itertools.permutations(ROWS)}) == 1


@pytest.mark.parametrize("change", [{"pcm_sha256": "dd"}, {"recording": "r"}, {"start": 1.0}, {"key": "other"}, {"pcm_sha256": None}])
@pytest.mark.parametrize("n", range(3))
def test_the_hash_of_sounds_changes_with_every_sound_and_what_it_is_sorted_by(change: dict, n: int) -> None:
    assert sounds_sha256([row | change if number == n else row for number, row in enumerate(ROWS)]) != sounds_sha256(ROWS)


def test_the_hash_of_sounds_does_not_change_with_anything_else() -> None:
    others = {"status": "rejected", "reason": "x", "detail": "y", "title": "t", "flac_bytes": 1, "split": "test"}
    assert sounds_sha256([row | others for row in ROWS]) == sounds_sha256(ROWS)


def test_rows_without_a_sound_do_not_count() -> None:
    assert sounds_sha256([*ROWS, books_row(rejection("d", Reason.NOT_FOUND), "")]) == sounds_sha256(ROWS)
    without = {name: value for name, value in books_row(rejection("d", Reason.NOT_FOUND), "").items() if name != "pcm_sha256"}
    assert sounds_sha256([*ROWS, without]) == sounds_sha256(ROWS)


TAKEN, REFUSED = (books_row(outcome, "") for outcome in OUTCOMES[:2])


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (TAKEN, None),
        (REFUSED, None),
        (REFUSED | {"reason": "odd"}, "rejected without a reason that exists: 'odd'"),
        (REFUSED | {"reason": None}, "rejected without a reason that exists: None"),
        (REFUSED | {"stage": None, "detail": None}, "stage has no value"),
        (REFUSED | {"detail": None}, "detail has no value"),
        (TAKEN | {"flac_bytes": None}, "flac_bytes has no value"),
        (TAKEN | {"peak": None}, "peak has no value"),
        (TAKEN | {"decoder": None}, "decoder has no value"),
        (TAKEN | {"status": None}, "status is None, neither 'sample' nor 'rejected'"),
    ],
)
def test_a_row_holds_an_outcome_or_says_what_it_lacks(row: dict, fault: str | None, tmp_path: Path) -> None:
    assert outcome_fault(row) == fault
    if fault is not None and row["status"] is not None:
        (tmp_path / "Set/train").mkdir(parents=True)
        write_books([TAKEN, row], tmp_path / "Set/train/0.parquet")
        with pytest.raises(DamagedFileError) as caught:
            read_outcomes(Folder(str(tmp_path)), SHARD)
        assert (caught.value.name, caught.value.what) == ("Set/train/0.parquet", f"{row['key']}: {fault}")


def test_rows_with_outcomes_come_back(tmp_path: Path) -> None:
    rows = stored(tmp_path, OUTCOMES)
    assert read_outcomes(Folder(str(tmp_path)), SHARD) == rows
