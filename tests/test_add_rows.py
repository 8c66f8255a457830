"""A plan to which rows are added is, byte for byte, the plan that is made from all rows; what is uncertain is planned again."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.run import Engine
from pipeline.output.layout import NEW_PLAN, PLAN
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Clip, Rejection
from pipeline.verbs import recipe_read
from pipeline.verbs.add_rows import add_rows
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
    """Bring the plan of a folder up to date; return the lines about it."""
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


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))])
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


@pytest.fixture
def grown(tmp_path: Path) -> Home:
    """A recipe that is planned below `out`."""
    home = Home(tmp_path / "home", random.Random("grown"))
    home.grow("first", 12)
    home.grow("third", 5)
    planned(home.write(), tmp_path / "out")
    return home


def test_rows_are_added_without_an_engine_and_a_line_has_their_number(grown: Home, tmp_path: Path) -> None:
    grown.grow("first", 3)
    assert check(grown.write(), tmp_path / "out", NoEngine()) == ["3 rows added to the plan of 17 rows, which were not planned again"]
    assert planned(grown.write(), tmp_path / "out", NoEngine()) == []
    grown.grow("second", 1)
    assert check(grown.write(), tmp_path / "out", NoEngine()) == ["1 row added to the plan of 20 rows, which were not planned again"]


def test_rows_that_only_get_other_numbers_are_not_planned_again(grown: Home, tmp_path: Path) -> None:
    grown.rows["first"].insert(0, ("new", "new.wav", "", "", "train", "CC0", "New", ""))
    assert len(check(grown.write(), tmp_path / "out", NoEngine())) == 1
    grown.rows["first"][0], grown.rows["first"][3] = grown.rows["first"][3], grown.rows["first"][0]
    assert len(check(grown.write(), tmp_path / "out", NoEngine())) == 1


def test_a_row_that_could_not_be_read_and_can_now_is_added(grown: Home, tmp_path: Path) -> None:
    bad = ("bad", "bad.wav", "2", "1", "train", "CC0", "Bad", "")
    grown.rows["third"] += [bad, bad]
    check(grown.write(), tmp_path / "out", NoEngine())
    grown.rows["third"][-2] = ("bad", "bad.wav", "1", "2", "train", "CC0", "Good", "")
    assert len(check(grown.write(), tmp_path / "out", NoEngine())) == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_a_plan_that_grew_on_any_engine_is_the_same(seed: int, grown: Home, tmp_path: Path) -> None:
    grown.grow("first", 4)
    check(grown.write(), tmp_path / "out", NoEngine())
    planned(grown.write(), tmp_path / "again", EagerEngine(seed))
    digests = {name: data for name, data in tree(tmp_path / "out").items() if "/digests/" in name}
    assert digests == {name: data for name, data in tree(tmp_path / "again").items() if "/digests/" in name}


def test_of_too_many_rows_all_are_planned_again(grown: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_rows, "MAX_AGAIN", 4)
    grown.rows["third"] += [(f"n{number}", f"n{number}.wav", "", "", "train", "CC0", "New", "") for number in range(4)]
    assert len(check(grown.write(), tmp_path / "out", NoEngine())) == 1
    grown.rows["third"] += [(f"m{number}", f"m{number}.wav", "", "", "train", "CC0", "New", "") for number in range(5)]
    assert check(grown.write(), tmp_path / "out") == []


def test_a_table_that_changes_while_it_is_read_is_not_believed(grown: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, n_reads = added_rows.read_source, list[int]()

    def changing(*args: Any) -> Iterator[Clip | Rejection]:
        n_reads.append(1)
        return (replace(row, title=f"read {len(n_reads)}") if isinstance(row, Clip) else row for row in read(*args))

    grown.rows["third"].append(("again", *grown.rows["first"][0][1:]))
    recipe, folder = grown.write(), Folder(str(tmp_path / "out"))
    monkeypatch.setattr(added_rows, "read_source", changing)
    assert add_rows(load_recipe(str(recipe)), take_snapshot(folder), lambda: False, prune=False) is None


def test_a_plan_of_a_part_of_the_rows_has_no_digests(grown: Home, tmp_path: Path) -> None:
    assert any(name.startswith("plan/digests") for name in tree(tmp_path / "out"))
    make_plan(load_recipe(str(grown.write())), take_snapshot(Folder(str(tmp_path / "out"))), 3, EagerEngine())
    assert not any(name.startswith("plan/digests") for name in tree(tmp_path / "out"))
    assert check(grown.write(), tmp_path / "out") == []


def test_two_sources_may_change_places_and_a_third_may_come_before_them(grown: Home, tmp_path: Path) -> None:
    grown.rows = {"second": [grown.row()], "third": grown.rows["third"], "first": grown.rows["first"]}
    assert len(check(grown.write(with_folder=True), tmp_path / "out", NoEngine())) == 1


def _changed_row(home: Home) -> None:
    home.rows["first"][0] = (*home.rows["first"][0][:-1], "other")


def _removed_row(home: Home) -> None:
    home.rows["first"].pop(3)


def _removed_source(home: Home) -> None:
    home.rows.pop("third")


@pytest.mark.parametrize("edit", [_changed_row, _removed_row, _removed_source])
def test_when_a_row_is_gone_all_rows_are_planned_again(edit: Callable[[Home], None], grown: Home, tmp_path: Path) -> None:
    edit(grown)
    grown.grow("first", 2)
    assert check(grown.write(), tmp_path / "out") == []


@pytest.mark.parametrize(
    "before, after",
    [
        ('["cc0"]', '["cc0", "mit"]'),
        ("shard_size = 3", "shard_size = 4"),
        ("shard_size = 3", "shard_size = 3\ntemplate_labels = 1"),
        (', { path = "held.csv", allow_empty = true }', ""),
    ],
)
def test_when_the_recipe_says_more_all_rows_are_planned_again(before: str, after: str, grown: Home, tmp_path: Path) -> None:
    grown.grow("first", 2)
    recipe = grown.write()
    recipe.write_text(recipe.read_text().replace(before, after))
    assert check(recipe, tmp_path / "out") == []


def test_a_changed_list_of_held_recordings_plans_all_rows_again(grown: Home, tmp_path: Path) -> None:
    grown.grow("first", 2)
    recipe = grown.write()
    (grown.path / "held.csv").write_text("url\na4.wav\n")
    assert check(recipe, tmp_path / "out") == []


@pytest.mark.parametrize("name", ["digests.json", "digests/*.parquet", "shared_recordings.json", "Set/train/*.parquet"])
@pytest.mark.parametrize("data", [None, b"", b"{}", b"PAR1"])
def test_a_plan_with_files_that_are_missing_or_damaged_is_made_again(name: str, data: bytes | None, grown: Home, tmp_path: Path) -> None:
    for path in (tmp_path / "out/plan").glob(name):
        path.unlink() if data is None else path.write_bytes(data)
    grown.grow("first", 2)
    folder = Folder(str(tmp_path / "out"))
    assert add_rows(load_recipe(str(grown.write())), take_snapshot(folder), lambda: False, prune=False) is None
    assert not (tmp_path / "out" / NEW_PLAN).exists()


def test_addresses_that_are_not_held_any_more_are_read_again(grown: Home, tmp_path: Path) -> None:
    row = ("secret", "https://e.org/secret.wav?token=" + 30 * "s", "", "", "train", "CC0", "Secret", "")
    grown.rows["first"].append(row)
    check(grown.write(), tmp_path / "out", NoEngine())
    shutil.rmtree(tmp_path / "out/plan/addresses")
    grown.grow("third", 1)
    assert check(grown.write(), tmp_path / "out") == []


class Killed(BaseException):
    """Ends an addition as a signal would."""


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_a_plan_is_the_old_or_the_new_one_wherever_it_is_killed(
    step: int, grown: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, old = tmp_path / "out", tree(tmp_path / "out")
    grown.grow("first", 6)
    grown.grow("captions", 2)
    recipe, calls, last = grown.write(), list[object](), [10**9]

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **keywords: object) -> object:
            if len(calls) == last[0]:
                raise Killed
            calls.append(call)
            return call(*args, **keywords)

        return run

    shutil.copytree(out, tmp_path / "new")
    for kind, name in ((Path, "replace"), (Path, "unlink"), (shutil, "rmtree")):
        monkeypatch.setattr(kind, name, counted(getattr(kind, name)))
    planned(recipe, tmp_path / "new", NoEngine())
    new, n_calls = tree(tmp_path / "new"), len(calls)
    assert n_calls > 20 and new != old
    for stop in range(n_calls - 1, -1, -step):
        last[0] = 10**9
        shutil.rmtree(out)
        for name, data in old.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(data)
        calls.clear()
        last[0] = stop
        with pytest.raises(Killed):
            planned(recipe, out, NoEngine())
        last[0] = 10**9
        assert standing_snapshot(Folder(str(out))).plan is not None
        assert tree(out) in (old, new), stop
        planned(recipe, out, NoEngine())
        assert tree(out) == new
