"""Read and write `plan/digests.json`: which plan the digests of rows beside it belong to, and what that plan was made from."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.keys import stable_hash
from pipeline.output.json_values import field, json_bytes, mapping, table, text
from pipeline.output.layout import DIGESTS, DIGESTS_INDEX, PLAN
from pipeline.output.plan_index import Plan
from pipeline.output.storage import Folder


@dataclass(frozen=True, slots=True)
class SourceRead:
    """A source that a plan was made from: hashes of its entry in the recipe, and of its tables."""

    options: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RecipeRead:
    """The recipe that a plan was made from: a hash of all that it says but its sources, and its sources in order."""

    rules: str
    sources: tuple[SourceRead, ...]


@dataclass(frozen=True, slots=True)
class DigestsIndex:
    """The content of `digests.json`: the hash of the plan, the recipe that it was made from, and the files of digests with their SHA-256.

    The names of files are relative to the plan's folder.
    """

    plan: str
    recipe: RecipeRead
    files: Mapping[str, str]


def write_index(folder: Folder, plan: Plan, recipe: RecipeRead, below: str) -> None:
    """Write which plan the digests below `below` belong to, and what it was made from."""
    files = {name.removeprefix(f"{below}/"): sha256_of(folder.read(name)) for name in folder.names(f"{below}/{DIGESTS}")}
    value = {"plan": plan_hash(plan), "rules": recipe.rules, "sources": [dataclasses.asdict(each) for each in recipe.sources]}
    folder.write_json(f"{below}/{DIGESTS_INDEX}", value | {"files": files})


def write_index_of(folder: Folder, index: DigestsIndex, plan: Plan, below: str) -> None:
    """Write that the digests of a plan belong to another plan, which was made from the same rows, and go on to stand where they are."""
    value = {"plan": plan_hash(plan), "rules": index.recipe.rules, "sources": [dataclasses.asdict(each) for each in index.recipe.sources]}
    folder.write_json(f"{below}/{DIGESTS_INDEX}", value | {"files": dict(index.files)})


def read_index(folder: Folder, plan: Plan) -> DigestsIndex | None:
    """Return what a plan was made from; `None` where this is not known: its digests are missing, damaged, or those of another plan."""
    try:
        index = checked_index(folder)
    except (FileNotFoundError, ValueError):
        return None
    return index if index.plan == plan_hash(plan) else None


def checked_index(folder: Folder) -> DigestsIndex:
    """Return the content of `digests.json`.

    Raises:
        FileNotFoundError: it is missing.
        ValueError: it is damaged.
    """
    value = mapping(folder.read_json(f"{PLAN}/{DIGESTS_INDEX}"), "the content")
    recipe = RecipeRead(field(value, "rules", text), tuple(map(_source, field(value, "sources", _list))))
    return DigestsIndex(field(value, "plan", text), recipe, field(value, "files", table(text)))


def sha256_of(data: bytes) -> str:
    """Return the hash that `digests.json` has of a file."""
    return hashlib.sha256(data).hexdigest()


def plan_hash(plan: Plan) -> str:
    """Return a hash of all that the index of a plan says."""
    return stable_hash(json_bytes(plan.to_json()).decode())


def _source(value: Any) -> SourceRead:
    given = mapping(value, "a source")
    return SourceRead(field(given, "options", text), field(given, "fingerprint", text))


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    return value
