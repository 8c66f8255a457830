"""Recipes: TOML files that say which sources, which text, which licences, and what is held out.

A recipe is checked completely before anything runs: every fault is named with the file, the key, what was given and
what is allowed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, Strict, StringConstraints, ValidationError

from augment.keyword_to_caption import T5Settings
from pipeline.records import AudioLimits
from sources import SOURCES
from sources.metadata.file_hash import file_sha256
from sources.metadata.identity import recordings_in
from sources.metadata.options import SourceOptions, check_table, split_name

MAX_FAULTS = 50
TABLES: dict[str, type] = {"audio": AudioLimits, "t5": T5Settings}
Words = Annotated[tuple[str, ...], Strict(False)]  # TOML has lists


class RecipeError(ValueError):
    """A recipe that cannot be built; the message lists every fault, one a line."""


def _audio_limits(given: Any) -> AudioLimits:
    return AudioLimits(**check_table(AudioLimits, given))


def _t5_settings(given: Any) -> T5Settings:
    return T5Settings(**check_table(T5Settings, given))


class BuildRecipe(BaseModel):
    """A checked recipe. Defaults are the published values where there are any; the rest keep everything that is sound."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    shard_size: int = Field(512, ge=1, le=100_000)
    holdout: Words = ()
    licenses: Words = ()
    captions: Literal["template", "t5"] = "template"
    debias: bool = True
    allow_private: bool = False
    respect_robots_tag: bool = True
    contact: str | None = None
    seed: int = 0
    audio: Annotated[AudioLimits, BeforeValidator(_audio_limits)] = AudioLimits()
    t5: Annotated[T5Settings, BeforeValidator(_t5_settings)] = T5Settings()
    sources: tuple[SerializeAsAny[SourceOptions], ...] = Field(min_length=1)
    base: Path

    @property
    def idle(self) -> set[str]:
        """The tables that the rest of the recipe makes no use of."""
        return {"t5"} if self.captions == "template" else set()

    def audio_of(self, options: SourceOptions) -> AudioLimits:
        """Return the limits of a source: the recipe's `[audio]` with the source's own keys over it.

        Raises:
            ValueError: together they leave nothing.
        """
        return replace(self.audio, **options.audio)

    def fingerprint(self, limit: int | None) -> str:
        """Return a hash of everything that decides the plan: the recipe, its sources, its lists of held-out clips, and `limit`."""
        exclude: dict[str, Any] = {"base": True, "sources": {"__all__": {"base"}}, **dict.fromkeys(self.idle, True)}
        parts = [json.dumps([self.model_dump(mode="json", exclude=exclude), limit], sort_keys=True)]
        parts += [SOURCES[options.source].fingerprint(options) for options in self.sources]
        parts += [file_sha256(path) for entry in self.holdout if (path := self.base / entry).is_file()]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def load_recipe(name_or_path: str) -> BuildRecipe:
    """Return the bundled recipe of that name, or the recipe in the TOML file at that path.

    Raises:
        RecipeError: there is no such recipe, or it has faults.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml" and name_or_path in bundled():
        path = Path(str(resources.files("pipeline.recipe") / "bundled" / f"{name_or_path}.toml"))
    elif not path.is_file():
        hint = nearest(name_or_path, bundled())
        raise RecipeError(f"{name_or_path}: neither a bundled recipe ({', '.join(bundled())}) nor a TOML file{hint}")
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeError(f"{path}: not TOML: {error}") from error
    return check_recipe(given, path)


def bundled() -> list[str]:
    """Return the names of the recipes that come with the package."""
    folder = resources.files("pipeline.recipe") / "bundled"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def check_recipe(given: dict[str, Any], path: Path) -> BuildRecipe:
    """Return the recipe that a TOML document describes, or raise RecipeError with every fault in it."""
    base = path.parent.resolve()
    faults: list[str] = []
    entries = given.get("sources")
    sources = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        try:
            sources.append(_check_source(entry, base, f"sources[{number}]"))
        except RecipeError as error:
            faults += str(error).splitlines()
    document = {key: value for key, value in given.items() if key != "sources"}
    if "base" in document:
        faults.append(_unknown("base", document["base"], BuildRecipe))
        del document["base"]
    stand_in = sources or [SourceOptions.model_construct(source="", dataset="", base=base)]
    try:
        recipe = BuildRecipe.model_validate({**document, "sources": tuple(stand_in), "base": base})
    except ValidationError as error:
        faults = _in_words(error, BuildRecipe, "") + faults
    if not isinstance(entries, list) or not entries:
        faults.append("sources: none given, at least one [[sources]] table is needed")
    if not faults:
        faults += _unheld(recipe) + _unused(recipe) + _at_odds(recipe)
    if faults:
        raise RecipeError("\n".join(f"{path}: {fault}" for fault in faults[:MAX_FAULTS]))
    return recipe


def _check_source(entry: Any, base: Path, where: str) -> SourceOptions:
    if not isinstance(entry, dict) or not isinstance(entry.get("source"), str):
        raise RecipeError(f"{where}.source: none given, allowed: {', '.join(SOURCES)}")
    name = entry["source"]
    if name not in SOURCES:
        raise RecipeError(f"{where}.source = {name!r}: no such source, allowed: {', '.join(SOURCES)}{nearest(name, SOURCES)}")
    options: type[SourceOptions] = SOURCES[name].Options
    faults = [f"{where}.{_unknown('base', entry['base'], options)}"] if "base" in entry else []
    try:
        checked = options.model_validate({**entry, "base": base})
    except ValidationError as error:
        faults += _in_words(error, options, f"{where}.")
    if not faults and checked.audio_root is not None and not checked.resolve(checked.audio_root).exists():
        faults.append(f"{where}.audio_root = {checked.audio_root!r}: no such folder or archive below {base}")
    if not faults:
        try:
            SOURCES[name].check(checked)
        except (ValueError, OSError) as error:
            faults.append(f"{where}: {error}")
    if faults:
        raise RecipeError("\n".join(faults))
    return checked


def _unheld(recipe: BuildRecipe) -> list[str]:
    """Return a fault for every `holdout` that is neither a file nor a source or dataset of this recipe."""
    known = {name for options in recipe.sources for name in (options.source, options.dataset)}
    faults = []
    for entry in recipe.holdout:
        name, _, split = entry.partition(":")
        try:
            if (recipe.base / entry).is_file():
                recordings_in(recipe.base / entry)
            elif name in known:
                split_name(split)
            else:
                faults.append(
                    f"holdout = {entry!r}: neither a file of addresses nor a source of this recipe, allowed: {', '.join(sorted(known))}, "
                    f"each with or without :SPLIT, or the path of a table with a column url or recording{nearest(name, known)}"
                )
        except (ValueError, OSError) as error:
            faults.append(f"holdout = {entry!r}: {error}")
    return faults


def _unused(recipe: BuildRecipe) -> list[str]:
    """Return a fault for what is said of captions by a T5 and could have no effect."""
    if recipe.idle & recipe.model_fields_set:
        return ['t5: only with captions = "t5", and captions are made by template; add that line, or take the table out']
    given = recipe.t5.only if recipe.t5.only != T5Settings().only else ()
    known = sorted({name for options in recipe.sources for name in (options.source, options.dataset)})
    return [
        f"t5.only = {name!r}: no such source or dataset here, allowed: {', '.join(known)}{nearest(name, known)}"
        for name in given
        if name not in known
    ]


def _at_odds(recipe: BuildRecipe) -> list[str]:
    """Return a fault for limits of sound that leave nothing together, or that sources of one dataset do not share."""
    faults: list[str] = []
    of_dataset: dict[str, AudioLimits] = {}
    for number, options in enumerate(recipe.sources):
        try:
            audio = recipe.audio_of(options)
        except ValueError as error:
            faults.append(f"sources[{number}].audio, with the recipe's [audio]: {error}")
            continue
        if of_dataset.setdefault(options.dataset, audio) != audio:
            faults.append(f"sources[{number}].audio: another source of dataset {options.dataset!r} has other limits; give both the same")
    return faults


def _in_words(error: ValidationError, model: type[BaseModel], where: str) -> list[str]:
    """Return one line for each fault: key, what was given, what is allowed."""
    faults = []
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            inner = TABLES[str(fault["loc"][0])] if len(fault["loc"]) > 1 else model
            faults.append(where + key.removesuffix(str(fault["loc"][-1])) + _unknown(str(fault["loc"][-1]), fault["input"], inner))
        elif fault["type"] == "missing":
            faults.append(f"{where}{key}: none given, it is needed")
        else:
            faults.append(f"{where}{key} = {fault['input']!r}: {_as_toml_says(fault['msg'])}")
    return faults


def _as_toml_says(message: str) -> str:
    """Return pydantic's sentence in the words of TOML.

    >>> _as_toml_says("Input should be a valid tuple")
    'input should be a valid list'
    """
    message = re.sub(r"valid dictionary\b.*", "table", message.removeprefix("Value error, "))
    return message[0].lower() + message[1:].replace("valid tuple", "valid list")


def _unknown(key: str, given: Any, table: Any) -> str:
    names = table.model_fields if issubclass(table, BaseModel) else [field.name for field in fields(table)]
    allowed = [name for name in names if name != "base"]
    return f"{key} = {given!r}: no such key, allowed: {', '.join(allowed)}{nearest(key, allowed)}"


def nearest(given: str, allowed: Any) -> str:
    """Return "; did you mean 'x'?" for the nearest allowed word, or nothing.

    >>> nearest("tabel", ["table", "folder"])
    "; did you mean 'table'?"
    """
    close = difflib.get_close_matches(given, list(allowed), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
