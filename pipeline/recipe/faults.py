"""Describe the faults of a recipe in words: one line a fault, with the key, what was given and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pipeline.recipe.toml import shortened

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_KEY = 100  # characters of a key in a message
GIVEN_BY_CODE = "base"  # a field of all source options that no recipe may set


def describe(error: ValidationError, allowed: Mapping[str, Sequence[str]], prefix: str) -> list[str]:
    """Return one line for each fault that pydantic found.

    Args:
        allowed: the keys of each table by the table's name; the keys outside of tables have the name "".
        prefix: text before each key, such as `sources[0].`.
    """
    faults = []
    for fault in error.errors(include_url=False):
        *above, last = (str(part) for part in fault["loc"])
        key = ".".join([*above, last])
        if fault["type"] == "extra_forbidden":
            faults.append(f"{prefix}{key.removesuffix(last)}{unknown_key(last, fault['input'], allowed[above[0] if above else ''])}")
        elif fault["type"] == "missing":
            faults.append(f"{prefix}{key}: none given, it is needed")
        else:
            faults.append(f"{prefix}{key} = {shortened(fault['input'])}: {in_toml_words(fault['msg'])}")
    return faults


def unknown_key(key: str, given: Any, allowed: Iterable[str]) -> str:
    """Return the fault of a key that does not exist.

    >>> unknown_key("nmae", "x", ["name", "audio"])
    "nmae = 'x': no such key, allowed: name, audio; did you mean 'name'?"
    """
    return f"{key[:MAX_KEY]} = {shortened(given)}: no such key, allowed: {', '.join(allowed)}{nearest(key[:MAX_KEY], allowed)}"


def keys_of(table: Any) -> list[str]:
    """Return the keys that a table of a recipe may hold: the fields of its model or dataclass."""
    names = table.model_fields if hasattr(table, "model_fields") else [field.name for field in fields(table)]
    return [name for name in names if name != GIVEN_BY_CODE]


def in_toml_words(message: str) -> str:
    """Return a message of pydantic with TOML's names of types.

    >>> in_toml_words("Input should be a valid tuple"), in_toml_words("Input should be a valid dictionary")
    ('input should be a valid list', 'input should be a table')
    """
    message = re.sub(r"valid dictionary\b.*", "table", message.removeprefix("Value error, "))
    return message[0].lower() + message[1:].replace("valid tuple", "valid list")


def nearest(given: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the most similar allowed word; empty when none is similar.

    >>> nearest("tabel", ["table", "folder"]), nearest("xyz", ["table", "folder"])
    ("; did you mean 'table'?", '')
    """
    close = difflib.get_close_matches(given, list(allowed), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
