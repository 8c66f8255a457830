"""Two attempts to make the same shard at the same time leave one shard with the bytes of a single attempt, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from pipeline.verbs.build_record import build_settings
from pipeline.verbs.rounds import read_equal_sounds, unfinished
from tests.eager import EagerEngine
from tests.fates import build_into, make_fates, published, unwatched
from transforms.shards.build_shards import run_task

ATTEMPT = "import sys; from tests.test_two_attempts import attempt; attempt(*sys.argv[1:])"
N_ATTEMPTS = 3


def attempt(recipe: str, output: str) -> None:
    """Make every unfinished shard of a folder, once somebody writes a line."""
    folder, settings = Folder(output), build_settings(load_recipe(recipe), Folder(output), False, False)
    tasks = list(unfinished(take_snapshot(folder), settings.settings_hash_of, read_equal_sounds(folder)))
    print(len(tasks), flush=True)
    sys.stdin.readline()
    for task in tasks:
        list(run_task(task, settings))


def planned_only(output: Path) -> None:
    """Take the shards of a folder away; the plan stays."""
    for path in output.glob("*/*/*_stats.json"):
        for name in (path.name, path.name.replace("_stats.json", ".tar"), path.name.replace("_stats.json", ".parquet")):
            path.with_name(name).unlink()


def at_the_same_time(recipe: Path, output: str) -> None:
    """Run attempts in processes of their own that begin together."""
    command = [sys.executable, "-c", ATTEMPT, str(recipe), output]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(N_ATTEMPTS)]
    assert all(int(process.stdout.readline()) == 5 for process in processes)  # type: ignore[union-attr]
    waits = [threading.Thread(target=process.communicate, args=("go\n",)) for process in processes]
    for thread in waits:
        thread.start()
    for thread in waits:
        thread.join()
    assert [process.returncode for process in processes] == [0] * N_ATTEMPTS


@pytest.mark.slow
def test_attempts_at_the_same_time_on_a_disk_give_the_bytes_of_one(tmp_path):
    recipe, output = make_fates(tmp_path), tmp_path / "set"
    build_into(output, recipe)
    expected = published(output)
    planned_only(output)
    at_the_same_time(recipe, str(output))
    assert published(output).items() >= {name: sha for name, sha in expected.items() if name.startswith("Fates/")}.items()
    outcome = build_into(output, recipe)
    assert (outcome.n_built, outcome.missing, published(output)) == (0, (), expected)


@pytest.mark.slow
def test_attempts_at_the_same_time_in_a_store_give_the_bytes_of_one(tmp_path):
    stores = pytest.importorskip("tests.stores")
    pytest.importorskip("moto")
    recipe = make_fates(tmp_path)
    with stores.s3_store() as store:
        folder = Folder(store.root)
        build(load_recipe(str(recipe)), folder, None, EagerEngine(), unwatched)
        expected = {name: data for name, data in store.files().items() if name.endswith((".tar", ".parquet")) and name[0] != "."}
        for name in store.files():
            if name.startswith("Fates/") and not name.endswith("sizes.json"):
                folder.remove(name)
        at_the_same_time(recipe, store.root)
        assert {name: data for name, data in store.files().items() if name in expected} == expected
