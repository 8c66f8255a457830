"""recipe.toml and build.json are compared with the plan and with each other, value by value."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, ShardId
from pipeline.verbs.verify_fault import RECORD_AGAIN
from pipeline.verbs.verify_record import Recorded, check_record

RECIPE = """
name = "recorded"
folder = "/gone"

[audio]
max_seconds = 100.0

[[sources]]
source = "table"
dataset = "A"
path = "gone.csv"

[[sources]]
source = "table"
dataset = "B"
path = "gone.csv"
audio = {max_seconds = 7.0}
"""
BUILD = {
    "format": 5,
    "recipe": "recorded",
    "engine": "DirectRunner",
    "versions": {"av": "1"},
    "commit": None,
    "command": ["laion", "build"],
}
PLAN = Plan("", (PlannedShard(ShardId("A", "train", 0), 1, ""),), {}, {"B": {"no_text": 1}})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    folder.write("recipe.toml", RECIPE.encode())
    folder.write_json("build.json", BUILD | {"recipe_sha256": sha256(RECIPE.encode()).hexdigest()})
    return folder


def check(folder: Folder, plan: Plan = PLAN) -> tuple[list[tuple[str, str]], Recorded]:
    faults, recorded = check_record(folder, plan)
    assert all((fault.shard, fault.key, fault.remedy) == (None, None, RECORD_AGAIN) for fault in faults)
    return [(fault.file, fault.what) for fault in faults], recorded


def test_the_record_of_a_build_gives_name_and_limits(folder: Folder) -> None:
    faults, recorded = check(folder)
    assert faults == []
    assert recorded == Recorded("recorded", {"A": AudioLimits(max_seconds=100.0), "B": AudioLimits(max_seconds=7.0)})
    assert Recorded() == Recorded(None, {})
    assert Recorded().limits == {}


def test_datasets_of_the_plan_are_those_of_the_recipe(folder: Folder) -> None:
    plan = Plan("", (*PLAN.shards, PlannedShard(ShardId("Z", "train", 0), 1, "")), {}, {"Y": {"no_text": 1}})
    assert check(folder, plan)[0] == [("recipe.toml", f"the plan has {name!r}, which no source makes") for name in "YZ"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (RECIPE.replace('folder = "/gone"', ""), "damaged: 'no folder, or no sources'"),
        (RECIPE.replace('"/gone"', "1"), "damaged: 'no folder, or no sources'"),
        ('folder = "/gone"', "damaged: 'no folder, or no sources'"),
        ('folder = "/gone"\nsources = [1]', "damaged: 'no folder, or no sources'"),
        ('folder = "/gone"\nsources = [{source = "odd"}]', "damaged: \"no source is 'odd'\""),
        ('folder = "/gone"\nsources = [{source = 1}]', "damaged: 'no source is 1'"),
    ],
)
def test_what_is_no_recipe_gives_no_limits(text: str, what: str, folder: Folder) -> None:
    folder.write("recipe.toml", text.encode())
    faults, recorded = check(folder)
    assert recorded == Recorded()
    assert faults == [("recipe.toml", what), CHANGED]


CHANGED = ("build.json", "recipe_sha256 is not that of recipe.toml: one of the two was changed")


@pytest.mark.parametrize("data", [b"\xff", b"x", b"a = " + b"[" * 100_000, RECIPE.replace('"gone.csv"', "1").encode()])
def test_damage_of_a_recipe_is_one_fault_and_its_hash(data: bytes, folder: Folder) -> None:
    folder.write("recipe.toml", data)
    (first, second), recorded = check(folder)
    assert first[0] == "recipe.toml" and first[1].startswith("damaged: ") and second == CHANGED and recorded == Recorded()


def test_files_that_are_missing_or_cannot_be_read(folder: Folder, tmp_path: Path) -> None:
    for name in ("recipe.toml", "build.json"):
        (tmp_path / name).unlink()
    assert check(folder) == ([("recipe.toml", "missing"), ("build.json", "missing")], Recorded())
    for name in ("recipe.toml", "build.json"):
        (tmp_path / name).symlink_to("/proc/self/mem")
    (first, second), _ = check(folder)
    assert first[1].startswith("cannot be read (") and second[1].startswith("cannot be read (")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda record: record.update(recipe="other"), "recipe is 'other', recipe.toml has the name 'recorded'"),
        (lambda record: record.update(recipe=1), "damaged: 'recipe is 1, not a string'"),
        (lambda record: record.pop("engine"), "damaged: 'engine is missing'"),
        (lambda record: record.update(engine=1), "damaged: 'engine is 1, not a string'"),
        (lambda record: record.update(versions={"av": 1}), "damaged: \"versions['av'] is 1, not a string\""),
        (lambda record: record.pop("format"), "damaged: 'it names no format'"),
        (lambda record: record.update(command="x"), "command is no list of words"),
        (lambda record: record.update(command=[1]), "command is no list of words"),
        (lambda record: record.pop("command"), "command is no list of words"),
        (lambda record: record.update(commit=1), "commit is 1"),
        (lambda record: record.update(commit="abc"), None),
        (lambda record: record.pop("commit"), None),
        (lambda record: record.pop("recipe_sha256"), None),
        (lambda record: record.update(recipe_sha256="x"), CHANGED[1]),
    ],
)
def test_values_of_the_record(change: Callable[[dict[str, Any]], Any], what: str | None, folder: Folder) -> None:
    record = folder.read_json("build.json")
    change(record)
    folder.write_json("build.json", record)
    assert check(folder)[0] == ([("build.json", what)] if what else [])


def test_a_record_that_is_no_object(folder: Folder) -> None:
    folder.write_json("build.json", [])
    assert check(folder)[0] == [("build.json", "damaged: 'the content is a list, not an object'")]
