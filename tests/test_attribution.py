"""Attribution: no cell is a formula for a spreadsheet, and every licence is a licence expression, whatever a table holds."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import ShardId
from pipeline.report.papers.attribution import HEADER, attribution_header, attribution_lines
from pipeline.report.papers.clips import PaperClip
from pipeline.report.papers.licenses import expression, may_be_passed_on

TEXTS = st.one_of(st.text(max_size=12), st.text("=+-@;,'\"\t\r\n \uff1d\uff20ax1", max_size=12))


def clip(title: str = "", creator: str = "", url: str = "") -> PaperClip:
    return PaperClip(ShardId("Set", "train", 0), "k", "table", "a", url, "CC0-1.0", "CC0", creator, title, 1.0, "", 0, (), None)


@given(TEXTS, TEXTS)
def test_no_cell_is_a_formula_and_every_line_has_all_cells(title, creator):
    text = attribution_header() + attribution_lines([clip(title=title, creator=creator), clip()])
    assert text.count("\n") == 3
    rows = list(csv.reader(io.StringIO(text)))
    assert [len(row) for row in rows] == [len(HEADER)] * 3
    cells = [part for row in rows for cell in row for part in cell.split(";")]  # many countries separate cells by semicolons
    assert not [cell for cell in cells if cell.strip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))]


def test_addresses_and_names_hold_no_secret():
    text = attribution_lines([clip(url="https://me:pw@a.org/x.wav?token=abc", title="from https://a.org/?sig=abc")])
    assert "pw" not in text and "abc" not in text


@given(TEXTS)
def test_every_text_is_a_licence_expression(license):
    assert re.fullmatch(r"NOASSERTION|[A-Za-z0-9.+-]+", expression(license))


def test_other_words_are_another_licence():
    given = ["Own licence", "own licence!", "Own/licence", "著作権", "版権", "x" * 200, "x" * 201, "CC0 or CC BY 4.0", "LicenseRef-mine"]
    assert len({expression(each) for each in given}) == len(given)
    assert expression("LicenseRef-mine") == "LicenseRef-mine"


@pytest.mark.parametrize(
    ("license", "may"),
    [
        ("CC0-1.0", True),
        ("CC-BY-NC-SA-3.0", True),
        ("CC-BY-3.0-US", True),
        ("ODbL-1.0", True),
        ("CC-BY-ND-4.0", False),
        ("CC-BY-NC-ND-4.0", False),
        ("LicenseRef-RemArc", False),
        ("LicenseRef-CC0-1.0", False),
        ("NOASSERTION", False),
        ("GPL-3.0-only", False),
    ],
)
def test_a_changed_recording_may_be_passed_on_with_few_licences(license, may):
    assert may_be_passed_on(license) is may
    assert may_be_passed_on(license, [license]) is True
