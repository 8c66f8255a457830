"""Plans from recipe to files: every row has an outcome, bytes are the same everywhere, a plan is complete or not there."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.failures import RecipeError
from pipeline.output.layout import LEFT_OUT, NEW_PLAN, PLAN, ROWS_READ
from pipeline.output.new_plan import promote
from pipeline.output.plan_files import read_left_out, read_rows_of
from pipeline.output.plan_index import FORMAT, Plan, read_plan
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs import plan as planning
from pipeline.verbs import plan_here
from pipeline.verbs.plan import make_plan
from tests.eager import EagerEngine
from transforms.planning import rules

ENGINE = EagerEngine()
RECIPE = """
name = "small"
shard_size = 4
holdout = ["Set:test", "held.csv"]
licenses = ["cc0"]

[[sources]]
source = "table"
dataset = "Set"
path = "clips.csv"

[[sources]]
source = "folder"
dataset = "Folder"
root = "sounds"
"""
WITHOUT_HOLDOUT = RECIPE.replace('holdout = ["Set:test", "held.csv"]', "")
ROWS = [
    *(f"r{number}.wav,,,train,CC0,A woman hears sound {number}," for number in range(10)),
    "r1.wav,,,train,CC0,Another text,",  # duplicate
    "r2.wav,,,test,CC0,Held text,",  # duplicate of r2 in train, which is left out
    "r3.wav,1,2,train,CC0,Excerpt,",
    "r4.wav,1,2,test,CC0,Test excerpt,",  # so that r4 in train is held out
    "r5.wav,2,1,train,CC0,Reversed,",  # out of range
    "r6.wav,0,1,train,CC-BY-4.0,Not allowed,",  # license
    "r7.wav,0,1,train,CC0,,",  # no text
    "listed.wav,,,train,CC0,Listed,",  # held out by the file
    "ragged",  # bad row
]


@pytest.fixture(autouse=True)
def by_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every recipe have too many rows to be planned without an engine."""
    monkeypatch.setattr(plan_here, "MAX_ROWS", -1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


def make_home(home: Path) -> Path:
    (home / "sounds" / "dog").mkdir(parents=True)
    for name in ("bark", "howl"):
        (home / "sounds" / "dog" / f"{name}.wav").touch()
        (home / "sounds" / "dog" / f"{name}.json").write_text('{"license": "CC0"}')
    (home / "held.csv").write_text("recording\nlisted.wav\n")
    (home / "clips.csv").write_text("\n".join(["url,start,end,split,license,caption,labels", *ROWS]) + "\n")
    (home / "recipe.toml").write_text(RECIPE)
    return home


def planned(home: Path, out: Path, recipe: str = "", engine: Engine = ENGINE, limit: int | None = None) -> Plan:
    folder = Folder(str(out))
    return make_plan(load_recipe(recipe or str(home / "recipe.toml")), take_snapshot(folder), limit, engine)


def tree(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted((out / PLAN).rglob("*")) if path.is_file()}


def reasons(out: Path) -> dict[str, int]:
    all_reasons = read_left_out(Folder(str(out)))["reason"].to_pylist()
    return {reason: all_reasons.count(reason) for reason in sorted(set(all_reasons))}


def test_every_row_that_was_read_is_planned_or_left_out_with_its_reason(home, tmp_path):
    plan = planned(home, tmp_path / "out")
    assert reasons(tmp_path / "out") == {
        "bad_row": 2,
        "duplicate": 1,
        "held_out": 2,
        "license": 1,
        "merged": 1,
        "no_text": 1,
    }
    assert (plan.n_read, plan.n_left_out) == (len(ROWS) + 2, 8)
    assert plan.n_clips == plan.n_read - plan.n_left_out
    folder = Folder(str(tmp_path / "out"))
    clips = [clip for shard in plan.shards for clip in read_rows_of(folder, shard.shard)]
    assert len({(clip.dataset, clip.key) for clip in clips}) == plan.n_clips
    assert {(clip.recording, clip.split) for clip in clips if clip.recording in {"r2.wav", "r4.wav"}} == {
        ("r2.wav", "test"),
        ("r4.wav", "test"),
    }
    assert next(clip for clip in clips if clip.url == "r1.wav").captions[0].text == "A woman hears sound 1"
    assert [str(shard.shard) for shard in plan.shards] == ["Folder/train/0", "Set/test/0", "Set/train/0", "Set/train/1", "Set/train/2"]


def test_a_plan_is_the_same_bytes_in_every_folder_by_every_path_and_on_every_engine(home, tmp_path, monkeypatch):
    plan = planned(home, tmp_path / "a")
    moved = make_home(tmp_path / "else" / "where")
    planned(moved, tmp_path / "b", engine=Engine(n_workers=3, options=("--direct_running_mode=multi_threading",)))
    monkeypatch.chdir(moved.parent)
    planned(moved, Path("c"), recipe="where/recipe.toml", engine=Engine(n_workers=1, options=("--direct_running_mode=in_memory",)))
    assert tree(tmp_path / "a") == tree(tmp_path / "b") == tree(tmp_path / "else" / "c")
    assert read_plan(Folder(str(tmp_path / "b"))) == plan


@dataclass(frozen=True)
class ElsewhereEngine(EagerEngine):
    """An engine whose workers are on other machines, which have neither the tables nor the recipe: `home` is gone while they work."""

    home: Path = Path()

    @property
    def is_remote(self) -> bool:
        return True

    def run(self, add_steps, one_worker=False):
        hidden = self.home.with_name("hidden")

        def add_and_leave(root):  # steps are added on the machine that has the files, and run on the others
            add_steps(root)
            self.home.rename(hidden)

        try:
            EagerEngine.run(self, add_and_leave, one_worker)
        finally:
            hidden.rename(self.home)


def test_workers_that_have_not_the_tables_make_the_same_plan(home, tmp_path):
    here = planned(home, tmp_path / "here")
    assert planned(home, tmp_path / "there", engine=ElsewhereEngine(home=home)) == here
    assert tree(tmp_path / "there") == tree(tmp_path / "here")
    assert not (tmp_path / "there" / NEW_PLAN).exists()


def test_the_order_of_distinct_rows_does_not_matter(tmp_path):
    first, second = make_home(tmp_path / "a"), make_home(tmp_path / "b")
    rows = ROWS[:10]
    for home, order in ((first, rows), (second, rows[::-1])):
        (home / "recipe.toml").write_text(WITHOUT_HOLDOUT)
        (home / "clips.csv").write_text("\n".join(["url,start,end,split,license,caption,labels", *order]) + "\n")
        planned(home, home / "out")
    files, others = tree(first / "out"), tree(second / "out")
    assert files.keys() == others.keys()
    assert {name for name in files if files[name] != others[name]} <= {
        *("plan/plan.json", "plan/digests.json"),  # they have hashes of the tables
        *(name for name in files if name.startswith("plan/digests/")),  # numbers of rows
    }


def test_planning_again_changes_nothing_and_an_extension_only_adds_shards(home, tmp_path):
    out = tmp_path / "out"
    before = planned(home, out)
    old = tree(out)
    planned(home, out)
    assert tree(out) == old
    (home / "clips.csv").write_text(
        (home / "clips.csv").read_text() + "".join(f"new{number}.wav,,,train,CC0,New,\n" for number in range(6))
    )
    after = planned(home, out)
    assert after.fingerprint != before.fingerprint
    assert set(before.shards) < set(after.shards)
    assert {
        name: data for name, data in tree(out).items() if name in old and name.startswith(("plan/Set/", "plan/Folder/"))
    }.items() <= old.items()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('"Set:fold-9"', "holdout = 'Set:fold-9' holds nothing out: the source has no row of that split, there are test, train; if"),
        (
            '{ path = "other.csv" }',
            "holdout = 'other.csv' holds nothing out: no row of this recipe has one of its 2 recordings, the first is",
        ),
    ],
)
def test_an_entry_of_holdout_that_holds_nothing_out_is_an_error_and_the_old_plan_stays(home, tmp_path, entry, message):
    (home / "other.csv").write_text("recording\nfreesound:1\nelse.wav\n")
    planned(home, tmp_path / "out")
    old = tree(tmp_path / "out")
    (home / "recipe.toml").write_text(RECIPE.replace('"held.csv"', f'"held.csv", {entry}'))
    with pytest.raises(RecipeError, match=re.escape(message)):
        planned(home, tmp_path / "out")
    assert tree(tmp_path / "out") == old and not (tmp_path / "out" / NEW_PLAN).exists()
    assert planned(home, tmp_path / "limited", limit=3).n_read == 5, "a part of the rows need not have it"
    remedy = entry.replace(" }", ", allow_empty = true }") if "path" in entry else '{ name = "Set:fold-9", allow_empty = true }'
    (home / "recipe.toml").write_text(RECIPE.replace('"held.csv"', f'"held.csv", {remedy}'))
    planned(home, tmp_path / "out")


def test_a_limit_takes_the_first_rows_of_every_source(home, tmp_path):
    plan = planned(home, tmp_path / "out", limit=1)
    assert (plan.n_read, plan.n_clips) == (2, 2)


def test_a_recipe_without_any_row_gives_an_empty_plan(home, tmp_path):
    (home / "clips.csv").write_text("url,caption\n")
    shutil.rmtree(home / "sounds")
    (home / "sounds").mkdir()
    (home / "recipe.toml").write_text(WITHOUT_HOLDOUT)
    plan = planned(home, tmp_path / "out")
    assert (plan.n_read, plan.n_clips, plan.shards) == (0, 0, ())
    assert read_plan(Folder(str(tmp_path / "out"))) == plan


def test_a_lost_row_is_an_error_and_the_old_plan_stays(home, tmp_path, monkeypatch):
    out = tmp_path / "out"
    plan, old = planned(home, out), tree(out)
    monkeypatch.setattr(
        planning, "_write_counts", lambda counts, folder: folder.write_json(f"{NEW_PLAN}/{ROWS_READ}", counts | {"lost": 1})
    )
    (home / "held.csv").write_text("recording\nr9.wav\n")
    with pytest.raises(RuntimeError, match="the engine lost rows: 22 were read, 13 planned, 8 left out"):
        planned(home, out)
    assert tree(out) == old
    promote(Folder(str(out)))
    assert read_plan(Folder(str(out))) == plan


class Stopped(Exception):
    """Raised by the test to stop a move."""


@pytest.mark.parametrize("n_moves", range(8))
def test_a_replacement_that_was_interrupted_anywhere_is_finished(tmp_path, monkeypatch, n_moves):
    out = tmp_path / "out"
    folder = Folder(str(out))
    for number in range(4):
        folder.write(f"{PLAN}/Set/train/{number:05d}.parquet", b"old")
    folder.write_json(f"{PLAN}/plan.json", {"format": FORMAT, "fingerprint": "old", "shards": {}, "rows_read": {}, "left_out": {}})
    shards = {f"Set/train/{number}": {"rows": 1, "rows_sha256": "x"} for number in (0, 1, 5)}
    for number in (0, 1, 5):
        folder.write(f"{NEW_PLAN}/Set/train/{number:05d}.parquet", b"new")
    folder.write(f"{NEW_PLAN}/{LEFT_OUT}", b"new")
    folder.write_json(
        f"{NEW_PLAN}/plan.json", {"format": FORMAT, "fingerprint": "new", "shards": shards, "rows_read": {"Set": 3}, "left_out": {}}
    )
    done = []
    replace = os.replace

    def stop(*names: object) -> None:
        if len(done) == n_moves:
            raise Stopped
        done.append(names)
        replace(*names)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "replace", lambda path, target: stop(path, target))
    try:
        promote(folder)
    except Stopped:
        assert take_snapshot(folder).plan is None, "an incomplete plan does not count"
    monkeypatch.undo()
    promote(folder)
    plan = read_plan(folder)
    assert (plan.fingerprint, plan.n_clips) == ("new", 3)
    names = {name: data for name, data in tree(out).items() if name.endswith("parquet")}
    assert names == {
        f"plan/{name}": b"new" for name in ("rejections.parquet", *(f"Set/train/{number:05d}.parquet" for number in (0, 1, 5)))
    }
    assert not (out / NEW_PLAN).exists()


def test_the_snapshot_of_an_empty_folder_has_no_plan(tmp_path):
    assert take_snapshot(Folder(str(tmp_path))).plan is None


JOINED = """
name = "joined"
[[sources]]
source = "table"
dataset = "Set"
path = "clips.csv"
[[sources]]
source = "table"
dataset = "Captions"
path = "captions.csv"
"""


def test_captions_are_joined_and_a_plan_after_a_change_equals_one_from_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "joining_sources", lambda sources: frozenset({("table", "Captions")}))
    videos = [f"https://youtu.be/{number:011}" for number in range(4)]
    (tmp_path / "recipe.toml").write_text(JOINED)

    def plan(rows: list[str], out: str) -> dict[str, list[str]]:
        (tmp_path / "clips.csv").write_text("url,start,caption\n" + "".join(f"{video},30,own\n" for video in videos[:3]))
        (tmp_path / "captions.csv").write_text("url,start,caption\n" + "\n".join(rows) + "\n")
        made = planned(tmp_path, tmp_path / out)
        assert made.n_read == made.n_clips + made.n_left_out == 3 + len(rows)
        clips = [clip for shard in made.shards for clip in read_rows_of(Folder(str(tmp_path / out)), shard.shard)]
        return {f"{clip.dataset}:{clip.recording[-1]}": [caption.text for caption in clip.captions] for clip in clips}

    first = [f"{videos[0]},30.4,one", f"{videos[3]},0,alone"]
    assert plan(first, "a") == {"Set:0": ["own", "one"], "Set:1": ["own"], "Set:2": ["own"], "Captions:3": ["alone"]}
    second = [f"{videos[1]},30,two", f"{videos[0]},29.5,three", *first[:1]]
    after = plan(second, "a")
    assert after == plan(second, "b") == {"Set:0": ["own", "three", "one"], "Set:1": ["own", "two"], "Set:2": ["own"]}
    assert tree(tmp_path / "a").keys() - tree(tmp_path / "b").keys() == {"plan/retired.json"}, "the shard of a row that is joined now"
    assert tree(tmp_path / "b").items() <= tree(tmp_path / "a").items()
