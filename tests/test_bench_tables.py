"""The figures in README and docs are those of the run in `docs/bench.json`, not typed by hand."""

import doctest
import json

from bench import tables
from bench.measure import Row
from bench.plot import as_svg, milliseconds


def test_every_document_shows_the_figures_of_the_run():
    for document, text in tables.as_documents(tables.SHOWN).items():
        assert document.read_text() == text, "run `python -m bench.tables`"


def test_the_picture_is_that_of_the_run():
    assert (tables.ROOT / "docs" / "conversion.svg").read_text() == as_svg(milliseconds(tables.read(tables.SHOWN)[0]))


def test_the_run_was_a_whole_one_and_says_of_every_target_whether_it_was_reached():
    record = json.loads(tables.SHOWN.read_text())
    assert not record["quick"]
    assert {row["bench"] for row in record["rows"]} >= {"build", "captions", "formats", "lengths", "quality", "throughput", "train"}
    for row in record["rows"]:
        assert row["reached"] == Row(**{key: value for key, value in row.items() if key != "reached"}).reached
    names = {row["name"] for row in record["rows"]}
    assert names >= set(tables.SUMMARY)


def test_a_missed_target_is_shown_as_missed():
    assert "**missed**" in tables.listed([Row("b", "n", 1.0, "x", None, ">= 2")])


def test_the_examples_of_the_module_hold():
    assert doctest.testmod(tables).failed == 0
