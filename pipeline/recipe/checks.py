"""Check keys of a recipe that depend on other keys: hold-outs that exist, tables that have an effect, limits that agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augment.keyword_to_caption import T5Settings
from pipeline.recipe.faults import nearest
from sources import SOURCES
from sources.metadata.held_lists import HeldOut, as_table, read_list
from sources.metadata.licenses import license_fault
from sources.metadata.options import split_name
from sources.metadata.store_files import STORES, address_of, local_copy
from transforms.fetching.roots.root_addresses import root_scheme
from transforms.planning.held_sources import table_fault

if TYPE_CHECKING:
    from pipeline.recipe.model import BuildRecipe
    from pipeline.records import AudioLimits


def check_keys_together(recipe: BuildRecipe, files_are_needed: bool = True) -> list[str]:
    """Return every fault of a recipe whose keys are valid one by one."""
    return (
        _holdout_faults(recipe, files_are_needed)
        + _license_faults(recipe)
        + _local_files_faults(recipe)
        + _t5_faults(recipe)
        + _audio_faults(recipe)
    )


def _holdout_faults(recipe: BuildRecipe, files_are_needed: bool) -> list[str]:
    """Return a fault for every `holdout` that is neither a list of recordings nor a source or dataset of this recipe, or an empty list."""
    faults = []
    for given in recipe.holdout:
        try:
            entry = as_table(given, recipe.folder)
            if entry.name is not None:
                fault = _name_fault(entry, recipe, files_are_needed)
            else:
                is_passed_over = not files_are_needed and not local_copy(recipe.folder, entry.path or "").exists()
                fault = "" if is_passed_over else _list_fault(entry, recipe)
        except (ValueError, OSError) as error:
            fault = str(error)
        if fault:
            faults.append(f"holdout = {str(given)!r}: {fault}")
    return faults


def _name_fault(entry: HeldOut, recipe: BuildRecipe, files_are_needed: bool) -> str:
    """Return what is wrong with the name of a source: it must be one of the recipe's, or a known one whose own files are there."""
    name, _, split = (entry.name or "").partition(":")
    if name not in recipe.names and name not in SOURCES:
        known = recipe.names
        return (
            f"neither a file of addresses nor a source of this recipe, allowed: {', '.join(known)}, "
            f"each with or without :SPLIT, the name of another source, or the path of a table with a column url or recording"
            f"{nearest(name, [*known, *SOURCES])}"
        )
    split_name(split)
    if name in recipe.names:
        return ""
    fault = table_fault(entry, recipe.folder)
    return fault if files_are_needed else ""


def _list_fault(entry: HeldOut, recipe: BuildRecipe) -> str:
    if read_list(entry, recipe.folder) or entry.allow_empty:
        return ""
    return "the list is empty; if that is right, add allow_empty = true to the entry"


def _license_faults(recipe: BuildRecipe) -> list[str]:
    """Return a fault for every entry of `licenses` that names no licence, or more than one."""
    return [f"licenses = {given!r}: {fault}" for given in recipe.licenses if (fault := license_fault(given))]


def _local_files_faults(recipe: BuildRecipe) -> list[str]:
    """Return a fault for every entry of `local_files` that is neither a folder nor the address of one in an object store."""
    return [
        f"local_files = {given!r}: no such folder below {recipe.folder}"
        for given in recipe.local_files
        if root_scheme(given) not in STORES
        and address_of(recipe.folder / given) is None
        and ("\0" in given or not (recipe.folder / given).is_dir())
    ]


def _t5_faults(recipe: BuildRecipe) -> list[str]:
    """Return a fault for a `[t5]` table without effect, and for every name in its `only` and `apart` that this recipe does not have."""
    if recipe.unused_tables & recipe.model_fields_set:
        return ['t5: used only with captions = "t5", and here captions are made by template; add that line, or remove the table']
    only = recipe.t5.only if recipe.t5.only != T5Settings().only else ()
    faults = [
        f"t5.{key} = {name!r}: no such source or dataset here, allowed: {', '.join(recipe.names)}{nearest(name, recipe.names)}"
        for key, names in (("only", only), ("apart", recipe.t5.apart))
        for name in names
        if name not in recipe.names
    ]
    both = [name for name in only if name in recipe.t5.apart]
    return faults + [
        f"t5.only and t5.apart: {name!r} is in both; its `text` holds either the T5's caption alone or the others" for name in both
    ]


def _audio_faults(recipe: BuildRecipe) -> list[str]:
    """Return a fault for limits of audio that no clip can meet, or that differ between sources of one dataset."""
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
