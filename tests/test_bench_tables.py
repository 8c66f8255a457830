"""The figures in README and docs are those of the run in `docs/bench.json`, not typed by hand."""

import doctest
import json

from bench import tables
from bench.measure import Row
from bench.plan import CPU_A_ROW, CPU_OF_START, DISK_A_ROW, KB_A_ROW, PEAK_OF_START
from bench.plan_scale import large_plans
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


def test_a_part_that_was_measured_alone_leaves_the_figures_of_the_others():
    shown = {"measured": "2026-01-01", "rows": [{"bench": "build", "value": 1}, {"bench": "plan", "value": 2}]}
    alone = {"measured": "2026-02-02", "rows": [{"bench": "plan", "value": 3}]}
    merged = tables.merged(alone, shown)
    assert [(row["bench"], row["value"]) for row in merged["rows"]] == [("build", 1), ("plan", 3)]
    assert merged["measured"] == "2026-01-01" and merged["parts"]["plan"]["measured"] == "2026-02-02"
    all_parts = {"measured": "2026-03-03", "rows": [{"bench": "build", "value": 4}, {"bench": "plan", "value": 5}]}
    assert tables.merged(all_parts, merged) == all_parts


def test_plans_of_millions_are_computed_from_the_cost_of_the_start_and_of_each_row():
    values = {CPU_A_ROW: 50, CPU_OF_START: 3, KB_A_ROW: 0.5, PEAK_OF_START: 200, DISK_A_ROW: 100}
    text = large_plans([Row("plan", name, value, "") for name, value in values.items()])
    assert "| 100,000,000 | 83.4 minutes | 50.2 GB | 10.00 GB |" in text
    assert "make bench plan" in large_plans([])


def test_a_missed_target_is_shown_as_missed():
    assert "**missed**" in tables.listed([Row("b", "n", 1.0, "x", None, ">= 2")])


def test_the_examples_of_the_module_hold():
    assert doctest.testmod(tables).failed == 0
