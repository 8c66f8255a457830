"""Check recipe.toml and build.json, and read the limits of audio, which are among the inputs of shards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.output import json_values
from pipeline.output.layout import BUILD, RECIPE
from pipeline.output.plan_index import Plan, check_format
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.recipe.toml import parse_toml
from pipeline.records import AudioLimits, SimilarSounds
from pipeline.verbs.verify_fault import RECORD_AGAIN, Fault, shown, why
from sources import SOURCES


@dataclass(frozen=True, slots=True)
class Recorded:
    """The name of the recipe, the limits of audio by dataset, and which similar sounds are left out, from recipe.toml; `None`, empty and
    "report" where it cannot be read."""

    name: str | None = None
    limits: Mapping[str, AudioLimits] = field(default_factory=dict)
    similar: SimilarSounds = "report"


def check_record(folder: Folder, plan: Plan) -> tuple[list[Fault], Recorded]:
    """Return the faults of recipe.toml and build.json, and what they record."""
    data, recipe, limits = None, None, Recorded()
    faults = []
    try:
        data = folder.read(RECIPE)
        recipe = recorded_recipe(data)
        limits = Recorded(recipe.name, {options.dataset: recipe.audio_of(options) for options in recipe.sources}, recipe.similar)
    except (OSError, ValueError) as error:
        faults.append(_fault(RECIPE, _reason(error)))
    else:
        datasets = {planned.shard.dataset for planned in plan.shards} | plan.left_out.keys()
        faults += [_fault(RECIPE, f"the plan has {name!r}, which no source makes") for name in sorted(datasets - limits.limits.keys())]
    try:
        record = json_values.mapping(folder.read_json(BUILD), "the content")
        check_format(record, BUILD)
        faults += [_fault(BUILD, what) for what in _record_findings(record, recipe, data)]
    except (OSError, ValueError) as error:
        faults.append(_fault(BUILD, _reason(error)))
    return faults, limits


def _fault(name: str, what: str) -> Fault:
    return Fault(None, None, name, what, RECORD_AGAIN)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "missing"
    return f"cannot be read ({why(error)})" if isinstance(error, OSError) else f"damaged: {shown(str(error))}"


def recorded_recipe(data: bytes) -> BuildRecipe:
    """Return the recipe of a finished build, without a look at the tables and folders that it names: they may be gone.

    Raises:
        ValueError: it is not the recipe of a build.
    """
    document = parse_toml(data)
    folder, entries = document.get("folder"), document.get("sources")
    if not isinstance(folder, str) or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("no folder, or no sources")
    names = [entry.get("source") for entry in entries]
    if unknown := [name for name in names if not isinstance(name, str) or name not in SOURCES]:
        raise ValueError(f"no source is {unknown[0]!r}")
    base = Path(folder)
    sources = tuple(SOURCES[entry["source"]].Options.model_validate({**entry, "base": base}) for entry in entries)
    return BuildRecipe.model_validate({**document, "sources": sources, "folder": base})


def _record_findings(record: Mapping[str, Any], recipe: BuildRecipe | None, data: bytes | None) -> list[str]:
    """Return what is wrong with the values of build.json.

    Raises:
        ValueError: one is missing or of another type.
    """
    for name, check in (("recipe", json_values.text), ("engine", json_values.text), ("versions", json_values.table(json_values.text))):
        json_values.field(record, name, check)
    whats = []
    if recipe is not None and record["recipe"] != recipe.name:
        whats.append(f"recipe is {shown(record['recipe'])}, {RECIPE} has the name {recipe.name!r}")
    command, commit = record.get("command"), record.get("commit")
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        whats.append("command is no list of words")
    if commit is not None and not isinstance(commit, str):
        whats.append(f"commit is {shown(commit)}")
    if data is not None and "recipe_sha256" in record and record["recipe_sha256"] != sha256(data).hexdigest():
        whats.append(f"recipe_sha256 is not that of {RECIPE}: one of the two was changed")
    return whats
