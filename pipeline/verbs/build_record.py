"""Collect the settings of a build, and record how a folder was made: versions of packages, the commit, the command, the engine."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.engines.run import Engine
from pipeline.masking import mask_command
from pipeline.output.layout import LEDGER
from pipeline.output.plan_index import FORMAT
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.recipe.write import resolved_recipe
from transforms.fetching.fetch import Fetcher
from transforms.fetching.limits.budgets import BudgetSettings
from transforms.fetching.limits.hosts import HostTable
from transforms.fetching.settings import FetchSettings
from transforms.fetching.web.http import HttpSettings
from transforms.shards.shard_task import BuildSettings

CONVERSION = 4
"""Raised when a change to decoding, resampling, encoding or packing changes bytes: shards of a lower number are made again."""
N_THREADS = 4  # of each shard
PACKAGES = ("av", "numpy", "pyarrow", "soundfile", "soxr")
VERSIONS = ("laion-audio", "conversion", *PACKAGES)
"""What markers record versions of."""


def http_settings(recipe: BuildRecipe) -> HttpSettings:
    """Return how a recipe says that we behave towards hosts."""
    return HttpSettings(recipe.allow_private, recipe.respect_robots_tag, recipe.respect_robots_txt, recipe.contact)


def fetch_settings(recipe: BuildRecipe, folder: Folder, wait: bool = False) -> FetchSettings:
    """Return what a recipe says about hosts; with `wait` a build waits for budgets."""
    ledger = Path(folder.path(LEDGER)) if folder.is_local else None
    return FetchSettings(http_settings(recipe), recipe.youtube, recipe.freesound, BudgetSettings(HostTable(recipe.hosts), ledger, wait))


def build_settings(recipe: BuildRecipe, folder: Folder, prune: bool = False, wait: bool = False) -> BuildSettings:
    """Return the settings that all shards of a recipe share; with `prune` shards may lose samples that cannot be fetched any more."""
    limits_by_dataset = {options.dataset: recipe.audio_of(options) for options in recipe.sources}
    return BuildSettings(
        folder,
        Fetcher(recipe.folder, fetch_settings(recipe, folder, wait), folders=recipe.local_folders),
        recipe.audio,
        limits_by_dataset,
        CONVERSION,
        N_THREADS,
        versions(),
        prune,
    )


def versions() -> dict[str, str]:
    """Return the versions of the conversion and of the packages that decide the bytes of shards."""
    return {"laion-audio": _version("laion-audio"), "conversion": str(CONVERSION)} | {name: _version(name) for name in PACKAGES}


def build_record(recipe: BuildRecipe, engine: Engine, settings: BuildSettings, command: Sequence[str]) -> dict[str, Any]:
    """Return the content of build.json; `recipe_sha256` is the hash of recipe.toml."""
    return {
        "format": FORMAT,
        "recipe": recipe.name,
        "recipe_sha256": sha256(resolved_recipe(recipe).encode()).hexdigest(),
        "engine": engine.runner,
        "versions": settings.versions | {"apache-beam": _version("apache-beam"), "python": platform.python_version()},
        "commit": commit_of(Path(__file__).parent),
        "command": mask_command(command),
    }


def commit_of(path: Path) -> str | None:
    """Return the commit of the checkout that holds `path`, `None` for an installed copy."""
    try:
        answer = subprocess.run(["git", "-C", str(path), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
