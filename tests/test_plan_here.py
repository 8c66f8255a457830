"""A plan of few rows, made without an engine, has the bytes of the plan that an engine makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.failures import RecipeError
from pipeline.output.plan_index import read_plan
from pipeline.output.storage import Folder
from pipeline.verbs import plan_here
from tests.eager import EagerEngine
from tests.test_plan import ROWS, WITHOUT_HOLDOUT, make_home, planned, tree

HERE, BY_ENGINE = 5_000, -1
EVERY_WAY = (BY_ENGINE, HERE)


class NoEngine(Engine):
    """An engine that no pipeline may run on."""

    def run(self, *_: object, **__: object) -> None:
        raise AssertionError("a pipeline was started")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


def table(home: Path, rows: list[str]) -> None:
    (home / "clips.csv").write_text("\n".join(["url,start,end,split,license,caption,labels", *rows]) + "\n")


def test_a_plan_and_the_plans_after_it_are_those_of_an_engine(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "https://example.org/a.wav?token=t0p-s3cret-value"
    first = [
        *ROWS,
        f"{secret},,,valid,CC0,Hidden,",
        f"{secret}1,,,valid,CC0,Hidden too,",
        *(f"é{n}.wav,,,train,CC0,é{n},x" for n in range(9)),
    ]
    trees: list[list[dict[str, bytes]]] = []
    for way in EVERY_WAY:
        monkeypatch.setattr(plan_here, "MAX_ROWS", way)
        engine, out, seen = (NoEngine() if way == HERE else EagerEngine(seed=way)), tmp_path / f"out{way}", []
        for rows in (first, first[3:], [*first, "new.wav,,,train,CC0,New,", "new2.wav,,,test,CC0,New,"]):
            table(home, rows)
            plan = planned(home, out, engine=engine)
            assert read_plan(Folder(str(out))) == plan and plan.n_read == len(rows) + 2
            seen.append(tree(out))
        trees.append(seen)
    assert trees[0] == trees[1]
    assert any("addresses" in name for name in trees[1][0]) and len(trees[1][0]) > 8


def test_a_limit_counts_the_rows_of_each_source_and_needs_no_held_row(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for way in EVERY_WAY:
        monkeypatch.setattr(plan_here, "MAX_ROWS", way)
        assert planned(home, tmp_path / f"out{way}", limit=1).n_read == 2
    assert tree(tmp_path / f"out{HERE}") == tree(tmp_path / f"out{BY_ENGINE}")


def test_rows_beyond_the_limit_go_to_the_engine_and_those_at_it_do_not(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_here, "MAX_ROWS", len(ROWS) + 2)
    planned(home, tmp_path / "at", engine=NoEngine())
    monkeypatch.setattr(plan_here, "MAX_ROWS", len(ROWS) + 1)
    with pytest.raises(AssertionError, match="a pipeline was started"):
        planned(home, tmp_path / "beyond", engine=NoEngine())
    planned(home, tmp_path / "beyond")
    assert tree(tmp_path / "at") == tree(tmp_path / "beyond")


def test_an_entry_of_holdout_that_holds_nothing_out_is_an_error_here_too(home: Path, tmp_path: Path) -> None:
    (home / "held.csv").write_text("recording\nnobody.wav\n")
    with pytest.raises(RecipeError, match=r"'held.csv' holds nothing out"):
        planned(home, tmp_path / "out", engine=NoEngine())
    assert not tree(tmp_path / "out") and not (tmp_path / "out" / "plan.new").exists()


def test_a_recipe_without_any_row_has_an_empty_plan_here_too(home: Path, tmp_path: Path) -> None:
    table(home, [])
    shutil.rmtree(home / "sounds" / "dog")
    (home / "recipe.toml").write_text(WITHOUT_HOLDOUT)
    assert planned(home, tmp_path / "out", engine=NoEngine()).shards == ()


def test_other_engines_plan_few_rows_too(home: Path, tmp_path: Path) -> None:
    class Elsewhere(NoEngine):
        @property
        def is_remote(self) -> bool:
            return True

    for engine in (NoEngine("PrismRunner"), Elsewhere()):
        with pytest.raises(AssertionError, match="a pipeline was started"):
            planned(home, tmp_path / engine.runner, engine=engine)
