"""A plan to which rows are added is, byte for byte, the plan that is made from all rows; what is uncertain is planned again."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.output.layout import PLAN
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs import recipe_read
from pipeline.verbs.current_plan import current_plan, standing_snapshot
from pipeline.verbs.plan import make_plan
from tests.eager import EagerEngine
from transforms.planning import added_rows, rules

COLUMNS = ("id", "url", "start", "end", "split", "license", "caption", "labels")
HEAD = 'name = "grows"\nshard_size = 3\nholdout = ["Set:test", { path = "held.csv", allow_empty = true }]\nlicenses = ["cc0"]\n'
SOURCE = '[[sources]]\nsource = "table"\ndataset = "{dataset}"\npath = "{name}.csv"\n'
TABLES = {"first": "Set", "second": "Set", "third": "Other", "captions": "Captions"}
FOLDER = '[[sources]]\nsource = "folder"\ndataset = "Folder"\nroot = "sounds"\n'


class NoEngine(Engine):
    """An engine for plans that need none."""

    def run(self, add_steps: object, one_worker: bool = False) -> None:
        raise AssertionError("all rows are planned again")


@dataclass
class Home:
    """A recipe with tables that grow; `random` draws rows that repeat ids, addresses, secrets, recordings and excerpts of others."""

    path: Path
    random: random.Random
    rows: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    n_made: int = 0

    def row(self) -> tuple[str, ...]:
        self.n_made += 1
        draw = self.random
        name = draw.choice([f"new{self.n_made}", f"new{self.n_made}", f"a{draw.randrange(12)}"])
        url = draw.choice(
            [f"{name}.wav", f"https://youtu.be/{draw.randrange(6):011}", f"https://e.org/{name}.wav?token={draw.randrange(3)}" + 24 * "x"]
        )
        number = draw.choice(["", "", f"id{self.n_made}", f"id{draw.randrange(9)}"])
        start, end = draw.choice([("", ""), ("", ""), ("1", "2"), ("2", "1"), ("30", "40")])
        texts = draw.choice(["A man speaks", f"Sound {self.n_made}", ""]), draw.choice(["", "dog;rain"])
        return (
            number,
            url,
            start,
            end,
            draw.choice(["train", "train", "train", "valid", "test"]),
            draw.choice(["CC0", "CC0", "CC0", "MIT"]),
            *texts,
        )

    def grow(self, name: str, n_rows: int, anywhere: bool = False) -> None:
        """Add rows to a table, at its end or anywhere."""
        rows = self.rows.setdefault(name, [])
        for _ in range(n_rows):
            rows.insert(self.random.randint(0, len(rows)) if anywhere else len(rows), self.row())

    def write(self, with_folder: bool = False) -> Path:
        """Write all tables and the recipe."""
        (self.path / "sounds").mkdir(parents=True, exist_ok=True)
        for name, rows in self.rows.items():
            with (self.path / f"{name}.csv").open("w", newline="") as file:
                csv.writer(file).writerows([COLUMNS, *rows])
        (self.path / "held.csv").write_text("url\na3.wav\nhttps://youtu.be/00000000002\n")
        sources = "".join(SOURCE.format(dataset=TABLES[name], name=name) for name in self.rows)
        (self.path / "recipe.toml").write_text(HEAD + sources + (FOLDER if with_folder else ""))
        return self.path / "recipe.toml"


@pytest.fixture(autouse=True)
def caption_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rows of dataset "Captions" be joined to those of others, as those of WavCaps are."""
    for module in (rules, recipe_read):
        monkeypatch.setattr(module, "joining_sources", lambda sources: frozenset({("table", "Captions")}))


def tree(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted((out / PLAN).rglob("*")) if path.is_file()}


def planned(recipe: Path, out: Path, engine: Engine | None = None) -> list[str]:
    """Bring the plan of a folder up to date; return what is said about it."""
    lines: list[str] = []
    current_plan(load_recipe(str(recipe)), standing_snapshot(Folder(str(out))), None, engine or EagerEngine(), tell=lines.append)
    return lines


def check(recipe: Path, out: Path, engine: Engine | None = None) -> list[str]:
    """As `planned`; check that the plan is the one that all rows give over the previous plan."""
    oracle = out.with_name("oracle")
    shutil.copytree(out, oracle)
    lines = planned(recipe, out, engine)
    make_plan(load_recipe(str(recipe)), take_snapshot(Folder(str(oracle))), None, EagerEngine())
    assert tree(out) == tree(oracle)
    shutil.rmtree(oracle)
    return lines


@pytest.mark.parametrize("seed", range(8))
def test_rows_of_any_kind_that_are_added_give_the_plan_of_all_rows(seed: int, tmp_path: Path) -> None:
    home, lines = Home(tmp_path / "home", random.Random(seed)), list[str]()
    home.grow("first", 20)
    home.grow("third", 6)
    planned(home.write(), tmp_path / "out")
    for _ in range(5):
        names = [*TABLES][: home.random.choice([3, 4])] if len(home.rows) < 4 else [*TABLES]
        for name in home.random.sample(names, 2):
            home.grow(name, home.random.randint(1, 4), anywhere=home.random.random() < 0.3)
        lines += check(home.write(), tmp_path / "out")
    assert len(lines) >= 3, "some are planned without the others"
