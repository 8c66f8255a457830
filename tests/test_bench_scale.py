"""The page on large sets is computed from measured rows; what was not measured is left out, and more workers never take longer."""

from __future__ import annotations

from bench import scale
from bench.many import requests_a_shard
from bench.measure import Row
from bench.scale import Input, limits, scale_table, workers_table
from bench.tables import SHOWN, read

ROWS = [Row("build", scale.CLIPS_A_SECOND, 20.0, "clips/s")]
MORE = [
    Row("plan", f"{scale.PLAN_CPU}, from 250,000 rows", 240.0, "s"),
    Row("many", f"{scale.FIRST_SHARD} from the start of the command until it stands", 4.0, "s"),
    Row("many", scale.REQUESTS, 10.0, "requests"),
    Row("spark", scale.SPARK, 0.87, "x"),
]
INPUTS = scale.INPUTS | {"clips": Input(512_000, "clips", ""), "core price": Input(0.1, "USD", ""), "worker": Input(4, "cores", "")}


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_time_on_workers_is_the_work_by_their_cores_and_what_is_serial() -> None:
    alone, ten, hundred = cells(workers_table(ROWS, INPUTS))[2:]
    # 512,000 clips at 10 a second and core are 51,200 s of work; the last shard takes 51.2 s
    assert alone == ["1", "4", "3.6 h", "100 %", "1.43 USD"]
    assert ten[2:4] == ["22 minutes", "96 %"] and hundred[2:4] == ["3 minutes", "71 %"]


def test_what_was_measured_makes_lines_and_columns() -> None:
    assert [line.name for line in limits(ROWS, INPUTS)] == ["one shard", "workers that are of use", "workers that have work"]
    lines = {line.name: line.value for line in limits(ROWS + MORE, INPUTS)}
    assert lines == {
        "one shard": "51 s",
        "the plan": "4.0 core minutes",
        "looking what is there": "4.0 s",
        "workers that are of use": "43",
        "workers that have work": "250",
        "two workers of Spark": "87 % of the ideal",
    }
    head, _, first, *_ = cells(workers_table(ROWS + MORE, INPUTS))
    assert dict(zip(head, first, strict=True))["requests"] == "10,000"


def test_the_rows_of_the_run_that_is_shown_have_all_that_the_page_needs() -> None:
    rows, _ = read(SHOWN)
    assert "core hours" in scale_table(rows) and len(cells(workers_table(rows))) == 2 + len(scale.WORKERS)


def test_a_build_asks_a_store_for_as_many_requests_a_shard_however_many_there_are() -> None:
    assert requests_a_shard(1, 2) == requests_a_shard(2, 3) > 0
