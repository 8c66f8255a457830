"""A store that fails at the n-th call, before or after it did what it was asked: the next build gives the bytes of an undisturbed one."""

from __future__ import annotations

import csv
import json
import random
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, ClassVar

import fsspec
import numpy as np
import pytest
import soundfile
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.engines.run import Engine
from pipeline.failures import EngineError
from pipeline.output.layout import LOCK
from pipeline.output.lease import Holder
from pipeline.output.object_store import ObjectStore
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe, load_recipe
from pipeline.verbs.build import build

ROOT = "faulty://set"
N_CALLS = 110
"""At least as many calls as a build of two shards makes; a fault that is never reached disturbs nothing."""


class FaultyStore(MemoryFileSystem):
    """A store in memory. The call with the number `fails_at`, from 0, raises an error: before it is done, or with `is_done` after it."""

    protocol = "faulty"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    calls: ClassVar[list[str]] = []
    fails_at: ClassVar[int | None] = None
    is_done: ClassVar[bool] = False
    lock: ClassVar[threading.Lock] = threading.Lock()


def _counted(name: str) -> Callable[..., Any]:
    call = getattr(MemoryFileSystem, name)

    def counted(self: FaultyStore, path: Any, *arguments: Any, **options: Any) -> Any:
        with FaultyStore.lock:
            fails = len(FaultyStore.calls) == FaultyStore.fails_at
            FaultyStore.calls.append(f"{name} {path}")
        if fails and not FaultyStore.is_done:
            raise OSError(f"{name} failed")
        result = call(self, path, *arguments, **options)
        if fails:
            raise OSError(f"the answer to {name} was lost")
        return result

    return counted


for _name in ("find", "ls", "cat_file", "pipe_file", "put_file", "cp_file", "rm_file", "get_file", "info"):
    setattr(FaultyStore, _name, _counted(_name))
fsspec.register_implementation("faulty", FaultyStore, clobber=True)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> BuildRecipe:
    """A recipe of two shards."""
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    for n in range(4):
        soundfile.write(home / f"{n}.wav", rng.normal(0, 0.1, 4800), 48000)
    with (home / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "url", "caption"], *([f"c{n}", f"{n}.wav", f"Sound {n}."] for n in range(4))])
    (home / "r.toml").write_text('name = "x"\nshard_size = 2\n[[sources]]\nsource = "table"\ndataset = "Set"\npath = "clips.csv"\n')
    return load_recipe(str(home / "r.toml"))


def run(recipe: BuildRecipe, fails_at: int | None = None, is_done: bool = False) -> int:
    """Build once; return the number of shards that were made."""
    FaultyStore.calls.clear()
    FaultyStore.fails_at, FaultyStore.is_done = fails_at, is_done
    outcome = build(recipe, Folder(ROOT), None, Engine("local", 1), lambda before, tasks: nullcontext())
    assert outcome.books.balance and outcome.missing == ()
    return outcome.n_built


def files() -> dict[str, bytes]:
    """Return the files of the store that are equal in every build, and of each marker what is equal."""
    FaultyStore.fails_at = None
    store = ObjectStore(ROOT)
    # a claim that could not be given back stays until the next build that has work
    content = {name: store.read(name) for name in store.listing() if not name.startswith(f"{LOCK}/")}
    for name in [name for name in content if name.endswith("_stats.json")]:
        content[name] = json.dumps(json.loads(content[name]) | {"build_seconds": 0}).encode()
    return content | dict.fromkeys(("build.json", ".recordings"), b"")


@pytest.fixture(scope="module")
def undisturbed(recipe: BuildRecipe) -> dict[str, bytes]:
    FaultyStore.store.clear()
    assert run(recipe) == 2 and len(FaultyStore.calls) <= N_CALLS
    return files()


@pytest.fixture(autouse=True)
def builds_are_processes_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the claim of a build whose last request failed be one of a process that ended, as it is outside of tests."""
    monkeypatch.setattr(Holder, "has_ended", property(lambda self: True))


def check(n: int, is_done: bool, recipe: BuildRecipe, undisturbed: dict[str, bytes]) -> None:
    FaultyStore.store.clear()
    try:
        run(recipe, n, is_done)
    except (OSError, EngineError) as error:
        assert "failed" in str(error) or "was lost" in str(error)
    run(recipe)
    assert files() == undisturbed
    assert run(recipe) == 0


SAMPLE = [(random.Random(7).randrange(N_CALLS), False), (random.Random(8).randrange(N_CALLS), True)]


@pytest.mark.parametrize(("n", "is_done"), SAMPLE)
def test_a_build_after_a_fault_gives_the_same_bytes(n: int, is_done: bool, recipe: BuildRecipe, undisturbed: dict[str, bytes]) -> None:
    check(n, is_done, recipe, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("n", range(N_CALLS))
def test_a_build_after_any_fault_gives_the_same_bytes(n: int, is_done: bool, recipe: BuildRecipe, undisturbed: dict[str, bytes]) -> None:
    check(n, is_done, recipe, undisturbed)
