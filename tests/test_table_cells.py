"""Whatever stands in a cell of a table: the right value, no value, or a row that is rejected as bad. Never the text of something else."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Clip, Reason, Rejection
from sources import table
from sources.metadata.cells import MISSING, NAN

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        [*sorted(MISSING), "['a', 'b']", '["a"]', "[]", "['a'", "['a' 'b', 'c']", "{'a': 1}", "[Music]", "007", "1:02", "\ud800", "a\0b"]
    )
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=5
)
LISTED = {"['a', 'b']": ["a", "b"], '["a"]': ["a"], "[]": []}
BROKEN = {"['a'", "['a' 'b', 'c']", "{'a': 1}"}


class Bad(Exception):
    """The row must be rejected."""


def text(value: Any, missing: frozenset[str]) -> str:
    """Return what a cell with one text must give."""
    if isinstance(value, list) and len(value) == 1:
        return text(value[0], missing)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | list | dict) or (isinstance(value, float) and abs(value) >= 2**53):
        raise Bad
    given = str(value)
    if "\0" in given or given.encode("utf-8", "replace") != given.encode("utf-8", "surrogatepass"):
        raise Bad
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else given
    return "" if given.strip() in missing else given.strip()


def texts(value: Any) -> list[str]:
    """Return what a cell with one text or several must give."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, str) and item in BROKEN for item in items):
        raise Bad
    items = [inner for item in items for inner in (LISTED.get(item, [item]) if isinstance(item, str) else [item])]
    return [given for item in items if (given := text(item, MISSING))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def outcome_of(folder: Path, row: dict[str, Any]) -> Clip | Rejection:
    row |= {"start": row.get("start"), "end": None, "caption": row.get("caption"), "id": row.get("id")}  # so that every column is there
    (folder / "t.jsonl").write_text(json.dumps(row) + "\n")
    [outcome] = table.read(table.Options(source="table", dataset="T", base=folder, path="t.jsonl"))
    return outcome


def same(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return json.loads(json.dumps(value))


@given(VALUES)
def test_a_caption_is_the_texts_of_its_cell_or_the_row_is_bad(folder, value):
    outcome = outcome_of(folder, {"url": "a.wav", "caption": value})
    try:
        expected = texts(same(value))
    except Bad:
        assert isinstance(outcome, Rejection) and outcome.reason is Reason.BAD_ROW
    else:
        assert isinstance(outcome, Clip), outcome
        assert [caption.text.strip() for caption in outcome.captions] == expected


@given(VALUES)
def test_an_id_is_the_text_of_its_cell_or_made_or_the_row_is_bad(folder, value):
    outcome = outcome_of(folder, {"url": "a.wav", "id": value})
    try:
        expected = text(same(value), NAN)
    except Bad:
        assert isinstance(outcome, Rejection) and outcome.reason is Reason.BAD_ROW
    else:
        assert isinstance(outcome, Clip), outcome
        assert outcome.id == (expected or "a-" + outcome.id.removeprefix("a-"))


@given(VALUES)
def test_a_start_is_the_number_of_its_cell_or_missing_or_the_row_is_bad(folder, value):
    outcome = outcome_of(folder, {"url": "a.wav", "start": value})
    if isinstance(outcome, Rejection):
        assert outcome.reason is Reason.BAD_ROW
        plain = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf and value < 1e308
        assert not plain and value is not None
    elif isinstance(value, int | float):
        assert outcome.start == value or (outcome.start is None and math.isnan(value))
    else:
        assert outcome.start is None or (outcome.start >= 0 and math.isfinite(outcome.start))


@given(st.dictionaries(st.sampled_from(table.FIELDS), VALUES))
def test_every_row_is_a_clip_of_texts_or_a_bad_row(folder, row):
    (folder / "t.jsonl").write_text(json.dumps({"url": "a.wav", **row}) + "\n")
    [outcome] = table.read(table.Options(source="table", dataset="T", base=folder, path="t.jsonl"))
    if isinstance(outcome, Rejection):
        assert outcome.reason is Reason.BAD_ROW and len(outcome.detail) < 400
    else:
        held = [outcome.id, outcome.url, outcome.title, outcome.license, outcome.creator, *outcome.labels]
        assert all(held is None or isinstance(held, str) for held in held)
        assert not any(sign in (held or "") for held in held for sign in ("{'", "[{", "None,", "\0"))
