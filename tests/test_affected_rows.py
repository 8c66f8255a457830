"""Which rows are planned again follows from hashes: new rows, and whatever shares a recording or a key with them, however far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.output.digest_files import NO_CLIP, RowDigests
from transforms.planning.affected_rows import affected, is_in

Row = tuple[int, int, int, int, int, int]
"""Row, recording, key, other key, number, source."""


def digests(rows: Sequence[Row]) -> RowDigests:
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    return RowDigests(*(column.astype(kind) for column, kind in zip(columns, [*4 * [np.uint64], np.int64, np.uint16], strict=True)))


def recordings(standing: Sequence[Row], now: Sequence[Row], *reread: int) -> list[int] | None:
    change = affected(digests(standing), digests(now), np.array(reread, np.uint16))
    return None if change is None else change.recordings.tolist()


A, B, OTHER = (1, 10, 100, 0, 0, 0), (2, 20, 200, 0, 1, 0), (3, 30, 300, 0, 0, 1)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ((9, 90, 900, 0, 2, 0), [90]),
        ((9, 10, 900, 0, 2, 0), [10]),
        ((9, 90, 200, 0, 2, 0), [20, 90]),
        ((9, 90, 900, 300, 2, 0), [30, 90]),  # the key that it gets if others have its own
        ((1, 10, 100, 0, 2, 0), [10]),  # the same row again
        ((0, 0, 0, 0, NO_CLIP, 0), []),
    ],
)
def test_a_new_row_has_to_do_with_its_recording_and_its_keys(new: Row, expected: list[int]) -> None:
    assert recordings([A, B, OTHER], [A, B, new], 0) == expected


def test_rows_are_linked_over_any_number_of_others() -> None:
    chain = [(number, number // 2, (number + 1) // 2, 0, number, 0) for number in range(1, 9)]
    assert recordings(chain, [*chain, (50, 60, 0, 4, 9, 0)], 0) == [0, 1, 2, 3, 4, 60]


@pytest.mark.parametrize("now", [[A], [A, (5, 20, 200, 0, 1, 0)], [B, (1, 10, 100, 0, 0, 1)], []])
def test_a_row_that_is_gone_from_its_source_is_no_addition(now: list[Row]) -> None:
    assert recordings([A, B, OTHER], now, 0) is None


def test_a_number_matters_only_to_rows_that_share_something() -> None:
    moved = (1, 10, 100, 0, 7, 0)
    assert recordings([A, B, OTHER], [moved, B], 0) == []
    assert recordings([A, B, (3, 10, 300, 0, 0, 1)], [moved, B], 0) == [10]
    assert recordings([A, B, (3, 30, 100, 0, 0, 1)], [moved, B], 0) == [10, 30]


@given(st.lists(st.tuples(*6 * [st.integers(0, 3)]), max_size=8), st.lists(st.tuples(*6 * [st.integers(0, 3)]), max_size=4))
def test_the_rows_that_stay_out_share_nothing_with_those_that_are_planned_again(rows: list[Row], added: list[Row]) -> None:
    change = affected(digests(rows), digests([*rows, *added]), np.arange(4, dtype=np.uint16))
    assert change is not None
    again, others = (change.rows[chosen] for chosen in (change.again(change.rows), ~change.again(change.rows)))

    def keys(given: RowDigests) -> set[int]:
        return {*given.keys.tolist(), *given.other_keys.tolist()} - {0}

    assert not set(again.recordings.tolist()) & set(others.recordings.tolist()) and not keys(again) & keys(others)
    assert {row[1] for row in added if added.count(row)} <= set(again.recordings.tolist())


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_values_are_found_among_others(values: list[int], known: list[int]) -> None:
    assert is_in(np.array(values, np.uint64), np.unique(np.array(known, np.uint64))).tolist() == [value in known for value in values]
