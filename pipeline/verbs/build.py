"""The build: plan files -> published shards, the books of the folder, and the check that they balance."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.engines.run import Engine
from pipeline.output.shard_files import Marker, read_marker
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.recipe.write import resolved_recipe
from pipeline.verbs.plan import Plan, make_plan, promote, read_plan
from pipeline.verbs.status import Books, missing_rows, read_the_books, retire_unplanned, unfinished, write_sizes
from transforms.fetching.fetch import Fetcher
from transforms.fetching.http import HttpSettings
from transforms.shards.build_shards import BuildSettings, BuildShards, ShardTask, spread_longest_first
from transforms.shards.equal_sounds import repeat_tasks

CONVERSION = 3
"""Raised when a change to decoding, resampling, encoding or packing changes bytes: shards made before it are made again."""
SHAPING = ("av", "numpy", "pyarrow", "soundfile", "soxr")
N_THREADS = 4


@dataclass(frozen=True)
class Outcome:
    """What a build did: the books, how many shards it made, and the rows that are missing."""

    books: Books
    n_built: int
    planned_anew: bool
    missing: tuple[str, ...]


def build_shards(root: beam.Pipeline, tasks: list[ShardTask], settings: BuildSettings) -> beam.PCollection:
    """Plan files -> published shards -> their markers. Audio never leaves the step that made it."""
    return root | "Tasks" >> beam.Create(tasks) | "BuildShards" >> BuildShards(settings)


Watch = Callable[[Folder, list[ShardTask]], AbstractContextManager[None]]
"""(folder, tasks) -> a context that lives as long as the shards are made."""


def build(recipe: BuildRecipe, folder: Folder, limit: int | None, engine: Engine, watch: Watch, command: Sequence[str] = ()) -> Outcome:
    """Bring a folder to what a recipe says: plan when needed, make the shards that are missing, check the books.

    Args:
        command: the command line, for build.json.

    Raises:
        FolderInUseError: another build is at work there.
    """
    with folder.locked():
        plan, planned_anew = current_plan(recipe, folder, limit, engine)
        settings = build_settings(recipe, folder)
        tasks = spread_longest_first(unfinished(plan, folder, settings.settings_hash_of))
        retire_unplanned(plan, folder)
        run_tasks(tasks, settings, engine, watch)
        repeats = repeat_tasks(plan, folder, settings.settings_hash_of)
        run_tasks(repeats, settings, engine, watch)
        write_sizes(_markers(plan, folder), folder)
        if tasks or planned_anew or not folder.exists("build.json"):
            folder.write("recipe.toml", resolved_recipe(recipe).encode())
            folder.write_json("build.json", build_record(recipe, engine, settings, command))
        books = read_the_books(plan, folder)
        missing = () if books.balance else tuple(missing_rows(plan, folder))
    return Outcome(books, len({task.shard for task in tasks + repeats}), planned_anew, missing)


def run_tasks(tasks: list[ShardTask], settings: BuildSettings, engine: Engine, watch: Watch) -> None:
    """Make shards on an engine, watched."""
    if tasks:
        with watch(settings.folder, tasks):
            engine.run(lambda root: build_shards(root, tasks, settings))


def current_plan(recipe: BuildRecipe, folder: Folder, limit: int | None, engine: Engine) -> tuple[Plan, bool]:
    """Return the plan of a folder and whether it had to be made, because there was none or the recipe changed."""
    promote(folder)  # what a killed build had planned
    plan = read_plan(folder)
    if plan is not None and plan.fingerprint == recipe.fingerprint(limit):
        return plan, False
    return make_plan(recipe, folder, limit, engine), True


def build_settings(recipe: BuildRecipe, folder: Folder) -> BuildSettings:
    """Return what every shard of this recipe is made with."""
    http = HttpSettings(recipe.allow_private, recipe.respect_robots_tag, recipe.contact)
    own = {options.dataset: recipe.audio_of(options) for options in recipe.sources}
    return BuildSettings(folder, Fetcher(recipe.folder, http), recipe.audio, own, CONVERSION, N_THREADS, versions())


def versions() -> dict[str, str]:
    """Return the versions of what shapes bytes."""
    return {"laion-audio": _version("laion-audio"), "conversion": str(CONVERSION)} | {name: _version(name) for name in SHAPING}


def build_record(recipe: BuildRecipe, engine: Engine, settings: BuildSettings, command: Sequence[str]) -> dict[str, Any]:
    """Return what build.json says of how the folder was made."""
    return {
        "schema": 1,
        "recipe": recipe.name,
        "engine": engine.runner,
        "versions": settings.versions | {"apache-beam": _version("apache-beam"), "python": platform.python_version()},
        "commit": commit_of(Path(__file__).parent),
        "command": list(command),
    }


def commit_of(path: Path) -> str | None:
    """Return the commit of the checkout that holds `path`, `None` for an installed copy."""
    try:
        answer = subprocess.run(["git", "-C", str(path), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def _markers(plan: Plan, folder: Folder) -> list[Marker]:
    return [marker for planned in plan.shards if (marker := read_marker(folder, planned.shard)) is not None]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
