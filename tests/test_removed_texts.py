"""Texts that a T5 wrote for removed clips are in no file any more; those of other clips stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.output.layout import REMOVED
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.plan import make_plan
from tests.eager import EagerEngine
from tests.fates import build_into
from tests.removing import files_of, files_with, removed
from tests.tiny_t5 import make_labelled, make_t5


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the build of clips with captions by a T5, `out`, and the recipe."""
    home = tmp_path_factory.mktemp("t5")
    build_into(home / "out", make_labelled(home / "in", make_t5(home / "tiny")))
    return home


@pytest.mark.parametrize(
    "ids, gone, stays",
    [
        ("dog", [], [b"A dog barks ."]),
        ("dog,dog-again", [b"A dog barks .", b"bark | dog"], [b"Rain is falling"]),
        ("speech", [b"A man speaks in the rain", b"rain | speech"], [b"Rain is falling"]),
        ("human", [b"Somebody wrote"], [b"Rain is falling"]),
    ],
)
def test_a_plan_without_removed_clips_is_the_one_that_the_model_would_give(
    ids: str, gone: list[bytes], stays: list[bytes], captioned: Path, tmp_path: Path
) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    for folder in (out, other):
        shutil.copytree(captioned / "out", folder)
    removed(out, ids)
    files = files_of(out)
    assert files_with({str(text): text for text in gone}, files) == []
    assert {matched.partition(": ")[2] for matched in files_with({str(text): text for text in stays}, files)} == set(map(str, stays))
    shutil.copy(out / REMOVED, other)
    make_plan(load_recipe(next((captioned / "in").glob("*.toml")).as_posix()), take_snapshot(Folder(str(other))), None, EagerEngine())
    plans = ({name: data for name, data in files_of(each).items() if name.startswith("plan/")} for each in (out, other))
    first, second = plans
    for each in (first, second):  # a set of keywords without any text counts on when its last clip is gone
        plan = json.loads(each.pop("plan/plan.json"))
        for counts in plan["t5"].values():
            counts["sets"], counts["rules"] = counts["sets"][1], {}
        each["plan"] = json.dumps(plan).encode()
    for name in ("plan/t5_captions.parquet", "plan/equal_sounds.parquet"):  # the cache is not pruned where a model is there
        first.pop(name)
        second.pop(name)
    assert first == second
