"""Read recipes: TOML files that choose sources, text and licences, and what is held out.

A recipe is checked completely before anything runs: every fault is named with the file, the key, what was given and
what is allowed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, Strict, StringConstraints, ValidationError

from augment.keyword_to_caption import T5Settings
from pipeline.counted import counted
from pipeline.failures import RecipeError
from pipeline.recipe.checks import check_keys_together
from pipeline.recipe.faults import describe, keys_of, nearest, unknown_key
from pipeline.recipe.locate import FOLDER, locate
from pipeline.recipe.toml import read_toml
from pipeline.records import AudioLimits, DebiasLevel, DebiasScope, SimilarSounds
from sources import SOURCES
from sources.metadata.file_hash import file_sha256
from sources.metadata.held_lists import Entry, HeldOut, as_table
from sources.metadata.options import SourceOptions, check_table
from sources.metadata.store_files import STORES, address_of, is_in_store, local_copy, path_of, without_cache_paths
from transforms.fetching.folders import LocalFolders
from transforms.fetching.freesound.freesound_api import FreesoundSettings
from transforms.fetching.limits.hosts import HostLimits, limits_by_host
from transforms.fetching.roots.root_addresses import local_root, root_fault, root_scheme
from transforms.fetching.youtube.youtube import YouTubeSettings
from transforms.planning.held_sources import lacking, options_of
from transforms.shards.versions import WorkerVersions

if TYPE_CHECKING:
    from transforms.planning.debias import Neutral

MAX_FAULTS = 50  # lines of one message
Words = Annotated[tuple[str, ...], Strict(False)]  # TOML has lists
Record = TypeVar("Record")


TABLES = {
    "audio": keys_of(AudioLimits),
    "holdout": keys_of(HeldOut),
    "t5": keys_of(T5Settings),
    "youtube": keys_of(YouTubeSettings),
    "freesound": keys_of(FreesoundSettings),
}
"""Keys of the tables of a recipe and of its sources."""
NOT_PLANNED = ("folder", "similar", "worker_versions")
"""Keys that decide nothing of a plan."""


def _allowed(model: type[BaseModel]) -> dict[str, list[str]]:
    return {"": keys_of(model), **TABLES}


def _from_table(record: type[Record], given: Any) -> Record:
    return record(**check_table(record, given))


def _hosts_from_table(given: Any) -> dict[str, HostLimits]:
    if not isinstance(given, dict):
        raise ValueError('input should be tables, as in [hosts."api.example.org"]')
    faults, checked = [], {}
    for name, limits in given.items():
        try:
            checked[name] = _from_table(HostLimits, limits)
        except ValidationError as error:
            faults += describe(error, {"": keys_of(HostLimits)}, f'"{name}".')
    if faults:
        raise ValueError("; ".join(faults))
    return limits_by_host(checked)


def _entry_from_toml(given: Any) -> Any:
    if not isinstance(given, str | dict | HeldOut):
        raise ValueError('input should be a valid string, or a table as { path = "ids.csv", source = "freesound" }')
    return _from_table(HeldOut, given) if isinstance(given, dict) else given


def _debias_from_toml(given: Any) -> Any:
    if isinstance(given, bool):
        raise ValueError(f'{str(given).lower()} is written "{"all" if given else "none"}" now; the values are generated, train, all, none')
    return given


class BuildRecipe(BaseModel):
    """A checked recipe. Defaults are the published values where there are any; the others reject no valid audio.

    Relative paths start from `folder`, by default the folder of the recipe's file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    folder: Path
    shard_size: int = Field(512, ge=1, le=100_000)
    holdout: Annotated[tuple[Annotated[Entry, BeforeValidator(_entry_from_toml)], ...], Strict(False)] = ()
    licenses: Words = ()
    captions: Literal["template", "t5"] = "template"
    debias: Annotated[DebiasScope, BeforeValidator(_debias_from_toml)] = "generated"
    debias_level: DebiasLevel = "full"
    allow_private: bool = False
    local_files: Words = ()
    respect_robots_tag: bool = True
    respect_robots_txt: bool = False
    contact: str | None = None
    worker_versions: WorkerVersions = "equal"
    similar: SimilarSounds = "report"
    audio: Annotated[AudioLimits, BeforeValidator(partial(_from_table, AudioLimits))] = AudioLimits()
    t5: Annotated[T5Settings, BeforeValidator(partial(_from_table, T5Settings))] = T5Settings()
    hosts: Annotated[dict[str, HostLimits], BeforeValidator(_hosts_from_table)] = {}
    youtube: Annotated[YouTubeSettings, BeforeValidator(partial(_from_table, YouTubeSettings))] = YouTubeSettings()
    freesound: Annotated[FreesoundSettings, BeforeValidator(partial(_from_table, FreesoundSettings))] = FreesoundSettings()
    sources: tuple[SerializeAsAny[SourceOptions], ...] = Field(min_length=1)

    @property
    def unused_tables(self) -> set[str]:
        """The tables that have no effect on what this recipe builds."""
        return {"t5"} if self.captions == "template" else set()

    @property
    def neutral(self) -> Neutral:
        """Which captions are made gender-neutral, and how far."""
        from transforms.planning.debias import Neutral  # imports the rules of de-biasing, which most verbs do without

        return Neutral.of(self.debias, self.debias_level, self.sources, self.holdout)

    @property
    def names(self) -> list[str]:
        """The sources and datasets of the recipe by name, sorted."""
        return sorted({name for options in self.sources for name in (options.source, options.dataset)})

    @property
    def held_elsewhere(self) -> tuple[HeldOut, ...]:
        """The entries of `holdout` that name a source which this recipe does not build: its table says what is held out."""
        tables = (as_table(entry, self.folder) for entry in self.holdout)
        return tuple(entry for entry in tables if entry.name is not None and entry.name.partition(":")[0] not in self.names)

    @property
    def tables_read(self) -> tuple[SourceOptions, ...]:
        """The sources whose tables are read: those that are built, and those that are only held out."""
        return (*self.sources, *(options_of(entry, self.folder) for entry in self.held_elsewhere))

    @property
    def local_folders(self) -> LocalFolders:
        """The folders on this disk that rows may name files in."""
        tables = ((options.dataset, options.paths_start_in) for options in self.sources)
        roots = (options.audio_root for options in self.sources if options.audio_root is not None)
        named = list(dict.fromkeys((*roots, *self.local_files)))
        others = tuple(local_root(path, self.folder) for path in named if root_scheme(path) in {None, "file"})
        remote = tuple(address for address in named if root_scheme(address) in STORES)
        of_tables = tuple((dataset, path) for dataset, path in tables if path is not None)
        in_stores = [address for path in (*others, *(path for _, path in of_tables)) if (address := address_of(path)) is not None]
        return LocalFolders(self.folder, of_tables, others, (*remote, *in_stores), address_of(self.folder))

    def audio_of(self, options: SourceOptions) -> AudioLimits:
        """Return the limits of a source: the recipe's `[audio]`, overridden by the keys of the source.

        Raises:
            ValueError: no clip can meet both.
        """
        return replace(self.audio, **options.audio)

    def fingerprint(self, limit: int | None) -> str:
        """Return a hash of everything that decides the plan: the recipe, its sources, its lists of held-out clips, and `limit`."""
        exclude: dict[str, Any] = {"sources": {"__all__": {"base"}}, **dict.fromkeys((*NOT_PLANNED, *self.unused_tables), True)}
        parts = [json.dumps([self.model_dump(mode="json", exclude=exclude), limit], sort_keys=True)]
        parts += [SOURCES[options.source].fingerprint(options) for options in self.tables_read]
        lists = (as_table(entry, self.folder).path for entry in self.holdout)
        parts += [file_sha256(local_copy(self.folder, path)) for path in lists if path is not None]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def load_recipe(name_or_path: str, data: str | None = None, files_are_needed: bool = True) -> BuildRecipe:
    """Return the bundled recipe of that name, or the recipe in the TOML file at that path.

    Args:
        data: folder that relative paths of the recipe start from; by default its own folder, for a bundled recipe the current one.
        files_are_needed: whether a file that a source lacks is a fault.

    Raises:
        RecipeError: there is no such recipe, or it has faults.
    """
    path = locate(name_or_path)
    folder = local_copy(Path(), data) if data is not None else Path.cwd() if path.parent == FOLDER else None
    return parse_recipe(path.read_bytes(), path, folder, files_are_needed)


def parse_recipe(data: bytes, path: Path, folder: Path | None = None, files_are_needed: bool = True) -> BuildRecipe:
    """Return the recipe in the bytes of a TOML file; `path` names the file in messages.

    Args:
        folder: where relative paths start, instead of the folder that the recipe names or, without one, its own.
        files_are_needed: whether a file that a source lacks is a fault.

    Raises:
        RecipeError: it is not TOML, or has faults; the message names all of them.
    """
    try:
        document = read_toml(data)
    except ValueError as error:
        raise RecipeError(f"{_printable(path)}: not TOML: {error}") from error
    if folder is not None:
        document = {**document, "folder": str(folder.resolve())}
    recipe, faults = _check(document, path.parent.resolve(), files_are_needed)
    if recipe is None:
        lines = faults[:MAX_FAULTS] + ([counted(len(faults) - MAX_FAULTS, "more fault")] if len(faults) > MAX_FAULTS else [])
        raise RecipeError(without_cache_paths("\n".join(f"{_printable(path)}: {line}" for line in lines)))
    return recipe


def _check(document: dict[str, Any], beside: Path, files_are_needed: bool) -> tuple[BuildRecipe | None, list[str]]:
    """Return the recipe that a TOML document describes, or `None` and every fault in it."""
    folder, faults = _check_folder(document.get("folder", "."), beside)
    entries = document.get("sources")
    sources = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        local_files = _folders(document.get("local_files"), folder)
        options, wrong = _check_source(entry, folder, f"sources[{number}]", local_files)
        if options is not None and (files_are_needed or not SOURCES[options.source].CARD.parts or not lacking(options)):
            wrong = _check_files(options, f"sources[{number}]")
        sources += [options] if options else []
        faults += wrong
    stand_in = sources or [SourceOptions.model_construct(source="", dataset="", base=folder)]  # to see the faults of the other keys
    recipe = None
    try:
        recipe = BuildRecipe.model_validate({**document, "sources": tuple(stand_in), "folder": folder})
    except ValidationError as error:
        faults = describe(error, _allowed(BuildRecipe), "") + faults
    if not isinstance(entries, list) or not entries:
        faults.append("sources: none given, at least one [[sources]] table is needed")
    if recipe is not None and not faults:
        faults = check_keys_together(recipe, files_are_needed)
    return (None if faults else recipe), faults


def _check_folder(given: Any, beside: Path) -> tuple[Path, list[str]]:
    """Return the folder that relative paths start from, and its faults."""
    if not isinstance(given, str):
        return beside, [f"folder = {given!r}: input should be a valid string"]
    if is_in_store(given):
        try:
            return path_of(given), []
        except ValueError as error:
            return beside, [f"folder = {given!r}: {error}"]
    folder = beside / given
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        return folder, [f"folder = {str(folder)!r}: its name is not UTF-8, and recipe.toml of a build could not name it; rename the folder"]
    return folder, []


def _folders(local_files: Any, folder: Path) -> tuple[Path, ...]:
    return tuple(folder / path for path in local_files if isinstance(path, str)) if isinstance(local_files, list) else ()


def _check_source(entry: Any, folder: Path, where: str, local_files: tuple[Path, ...]) -> tuple[SourceOptions | None, list[str]]:
    """Return the options of a `[[sources]]` entry, or `None` and its faults."""
    if not isinstance(entry, dict) or not isinstance(entry.get("source"), str):
        return None, [f"{where}.source: none given, allowed: {', '.join(SOURCES)}"]
    name = entry["source"]
    if name not in SOURCES:
        return None, [f"{where}.source = {name!r}: no such source, allowed: {', '.join(SOURCES)}{nearest(name, SOURCES)}"]
    model: type[SourceOptions] = SOURCES[name].Options
    if "base" in entry:
        return None, [f"{where}.{unknown_key('base', entry['base'], keys_of(model))}"]
    try:
        options = model.model_validate({**entry, "base": folder}).with_local_files(local_files)
    except ValidationError as error:
        return None, describe(error, _allowed(model), f"{where}.")
    return options, []


def _check_files(options: SourceOptions, where: str) -> list[str]:
    """Return what is wrong with the files of a source."""
    try:
        if options.audio_root is not None and (fault := root_fault(options.audio_root, options.base)) is not None:
            return [f"{where}.audio_root = {options.audio_root!r}: {fault}"]
        SOURCES[options.source].check(options)
    except (ValueError, OSError) as error:
        return [f"{where}: {error}"]
    return []


def _printable(path: Path) -> str:
    """Return a path in one line, whatever characters are in its name."""
    return str(path) if str(path).isprintable() else repr(str(path))
