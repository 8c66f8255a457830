"""The bench of planning: its tables are the same every time and have every kind of row; its figures follow from the costs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.clip_tables import N_CLASSES, add_rows, class_names, write_tables
from bench.measure import Cost
from bench.plan import table
from bench.process_tree import cost_of_command
from pipeline.recipe.model import load_recipe
from pipeline.records import Clip, Reason, Rejection
from transforms.planning.plan_rows import plan_rows
from transforms.planning.read_sources import read_source
from transforms.planning.rules import Rules

N_ROWS = 6_000


@pytest.fixture(scope="module")
def recipe_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("tables"), N_ROWS)


def _read(path: Path) -> list[Clip | Rejection]:
    return [row for options in load_recipe(str(path)).sources for row in read_source(options)]


def _ids(path: Path) -> set[str]:
    return {row.id for row in _read(path) if isinstance(row, Clip)}


def test_the_tables_have_about_the_rows_asked_for_and_every_kind_of_row(recipe_path: Path) -> None:
    recipe, rows = load_recipe(str(recipe_path)), _read(recipe_path)
    assert len(rows) == pytest.approx(N_ROWS, rel=0.01)
    rules = Rules.of(recipe.sources, recipe.holdout, recipe.folder, recipe.held_elsewhere, recipe.licenses, recipe.neutral)
    planned = plan_rows(rows, rules, recipe.shard_size)
    clips = [clip for shard in planned.shards.values() for clip in shard]
    assert len(clips) + len(planned.left_out) == len(rows)
    assert {each.reason for each in planned.left_out} >= {Reason.BAD_ROW, Reason.MERGED, Reason.HELD_OUT}
    captions = [caption for clip in clips for caption in clip.captions]
    assert {caption.origin for caption in captions} == {"human", "title", "description", "template", "llm"}
    assert 0.1 < sum(caption.before_debias is not None for caption in captions) / len(captions) < 0.4
    assert any(clip.full_url for clip in clips) and len({clip.license for clip in clips}) > 5
    assert len({clip.recording for clip in clips}) < len(clips), "sources share recordings"


def test_the_same_number_of_rows_gives_the_same_tables(recipe_path: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, N_ROWS)
    for path in recipe_path.parent.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(recipe_path.parent)).read_bytes(), path.name


def test_added_rows_are_clips_of_their_own(tmp_path: Path) -> None:
    path = write_tables(tmp_path, 500)
    before = _ids(path)
    add_rows(tmp_path, 7)
    assert len(_ids(path) - before) == 7


def test_there_are_as_many_classes_as_in_audioset() -> None:
    assert len(set(class_names())) == N_CLASSES


def test_the_figures_of_a_large_plan_are_those_of_the_start_and_of_each_row() -> None:
    costs = {"pure 250000": [Cost(10, 10)], "engine 50000": [Cost(4, 5, 300)], "engine 250000": [Cost(12, 16, 400)]}
    values = {row.name: row.value for row in table(costs, Cost(9, 8), (50_000, 250_000), 250_000, 25_000_000)}
    assert values["CPU of a plan through the engine / by the pure functions"] == pytest.approx(1.2)
    assert values["CPU a row, through the engine"] == pytest.approx(40)
    assert values["CPU of the start of a plan"] == pytest.approx(2)
    assert values["CPU of a plan of 2.5 million rows, from 250,000 rows"] == pytest.approx(2 + 2.5e6 * 40e-6)
    assert values["memory of a plan of 2.5 million rows, all processes, from 250,000 rows"] == pytest.approx(275 + 2.5e6 * 0.5e-3)
    assert values["plan on disk, a row"] == 100


def test_what_a_command_starts_is_measured_with_it() -> None:
    child = "import time; block = bytearray(200 << 20); end = time.process_time() + 0.3\nwhile time.process_time() < end: block[::4096]"
    cost = cost_of_command([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"])
    assert cost.cpu > 0.3 and cost.peak_mb > 200
