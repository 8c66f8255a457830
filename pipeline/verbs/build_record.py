"""Collect the settings of a build, and record how a folder was made: versions of packages, the commit, the command, the engine."""

from __future__ import annotations

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
from pipeline.verbs.made_with import MadeWith
from transforms.fetching.fetch import Fetcher
from transforms.fetching.limits.budgets import BudgetSettings
from transforms.fetching.limits.hosts import HostTable
from transforms.fetching.settings import FetchSettings
from transforms.fetching.web.http import HttpSettings
from transforms.shards.shard_task import BuildSettings
from transforms.shards.versions import CONVERSION, installed_versions, version_of

N_THREADS = 4  # of each shard


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
        dict(installed_versions()),
        prune,
        recipe.worker_versions,
        recipe.similar,
    )


def build_record(
    recipe: BuildRecipe, engine: Engine, settings: BuildSettings, command: Sequence[str], groups: Sequence[MadeWith] = ()
) -> dict[str, Any]:
    """Return the content of build.json.

    `recipe_sha256` is the hash of recipe.toml. `versions` are those of the process that started the build; where the shards were not
    all made with them, `made_with` says how many were made with which.
    """
    alike = all(dict(group.versions) == settings.versions for group in groups)
    return {
        "format": FORMAT,
        "recipe": recipe.name,
        "recipe_sha256": sha256(resolved_recipe(recipe).encode()).hexdigest(),
        "engine": engine.runner,
        "versions": settings.versions | {"apache-beam": version_of("apache-beam"), "python": platform.python_version()},
        **({} if alike else {"made_with": [group.to_json() for group in groups]}),
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
