"""Columns follow from records: every value of every field comes back through parquet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.output.columns import cells, columns, record_from, required
from pipeline.records import Caption, Clip, Provenance, SourceFormat, Statistics, TextHolds, column

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
OPTIONAL = st.none() | TEXT
SECONDS = st.none() | st.floats(0, 1e6)
CAPTIONS = st.builds(Caption, TEXT, TEXT, OPTIONAL, OPTIONAL, OPTIONAL)
CLIPS = st.builds(
    Clip,
    source=TEXT,
    dataset=TEXT,
    split=TEXT,
    id=TEXT,
    url=TEXT,
    start=SECONDS,
    end=SECONDS,
    captions=st.lists(CAPTIONS, max_size=3).map(tuple),
    labels=st.lists(TEXT, max_size=3).map(tuple),
    title=OPTIONAL,
    license=OPTIONAL,
    creator=OPTIONAL,
    recording=TEXT,
    audio_root=OPTIONAL,
    text_holds=st.none() | st.sampled_from(TextHolds),
)


@given(CLIPS)
def test_a_clip_comes_back_from_a_table(clip: Clip) -> None:
    (row,) = pa.Table.from_pylist([cells(clip)], pa.schema(columns(Clip))).to_pylist()
    back = record_from(Clip, row)
    assert back == clip and type(back.text_holds) is type(clip.text_holds)


@pytest.mark.parametrize(
    "record",
    [
        Provenance("https://example.org", 200, "preview", 10, "ab"),
        Provenance(),
        SourceFormat("wav/pcm_16", 44_100, 2, "soundfile"),
        Statistics(480, 0.01, 0.5, 0.1, -0.01, 0.0, math.pi / 4, "ab", 3),
    ],
)
def test_what_the_books_hold_comes_back(record: object) -> None:
    (row,) = pa.Table.from_pylist([cells(record)], pa.schema(columns(type(record)))).to_pylist()
    assert record_from(type(record), row) == record


def test_columns_have_the_names_that_fields_ask_for() -> None:
    assert list(columns(SourceFormat)) == ["source_format", "source_rate", "source_channels", "decoder"]
    assert "row_number" not in columns(Clip), "a row inserted above must not change the others"


def test_a_column_that_is_missing_takes_the_default() -> None:
    assert record_from(Provenance, {"final_url": "x"}) == Provenance("x")
    with pytest.raises(TypeError):
        record_from(SourceFormat, {"source_format": "x"})


def test_only_a_field_that_may_be_none_has_a_row_without_a_value() -> None:
    row = cells(SourceFormat("wav/pcm_16", 44_100, 2, "soundfile"))
    with pytest.raises(ValueError, match=r"^source_rate has no value$"):
        record_from(SourceFormat, row | {"source_rate": None})
    assert record_from(Provenance, cells(Provenance()) | {"final_url": None}) == Provenance(None)
    assert required(SourceFormat) == set(row) and "final_url" not in required(Provenance)


def test_a_field_that_no_column_holds_is_an_error() -> None:
    @dataclass
    class Odd:
        name: set = field(metadata=column("name"))

    with pytest.raises(TypeError, match="no column holds"):
        columns(Odd)
