"""Describe the keys of a recipe: for `fit --help`, and as a TOML file for `fit --show-recipe`."""

import textwrap
from dataclasses import asdict, fields
from typing import Any, Literal, get_args, get_origin

import tomli_w

from train.recipe import TrainRecipe


def keys_help(width: int = 100) -> str:
    """Return each key with its default, its meaning and, of a key with few values, the values.

    >>> print(keys_help().splitlines()[0])
      audio = "htsat-tiny"             audio tower; "htsat-tiny", "htsat-base" or "cnn14"
    """
    lines = []
    for name, default in asdict(TrainRecipe()).items():
        first, *more = textwrap.wrap(meaning_of(name), width - 35)
        lines += [f"  {_toml(name, default):32} {first}", *(" " * 35 + line for line in more)]
    return "\n".join(lines)


def recipe_toml(recipe: TrainRecipe) -> str:
    """Return a recipe as the text of a TOML file, each key with its meaning and its default."""
    defaults = asdict(TrainRecipe())
    lines = (f"# {meaning_of(name)} (default: {_value(defaults[name])})\n{_toml(name, value)}\n" for name, value in asdict(recipe).items())
    return "\n".join(lines)


def meaning_of(name: str) -> str:
    """Return what a key means, and its values if they are few."""
    entry = next(entry for entry in fields(TrainRecipe) if entry.name == name)
    meaning = entry.metadata["meaning"]
    if get_origin(entry.type) is not Literal:
        return meaning
    *values, last = map(_value, get_args(entry.type))
    return f"{meaning}; {', '.join(values)} or {last}"


def _toml(name: str, value: Any) -> str:
    """Return `name = value` as TOML of one line; a table is written in the line."""
    if isinstance(value, dict):
        return f"{name} = {{{', '.join(_toml(*item) for item in value.items())}}}"
    return tomli_w.dumps({name: value}).rstrip("\n")


def _value(value: Any) -> str:
    return _toml("x", value).removeprefix("x = ")
