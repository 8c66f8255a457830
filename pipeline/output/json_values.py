"""Check the values of JSON files: a file that a disk, an editor or another program damaged may hold anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")
MAX_COUNT = 1 << 63  # counts and bytes are below: more does not fit into a column of integers
MAX_SECONDS = 1e15  # thirty million years


def json_bytes(value: Any) -> bytes:
    """Return a value as the files of an output folder have it, keys in the order given."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def parse_json(data: bytes) -> Any:
    """Return the value that JSON holds.

    Raises:
        ValueError: it is not JSON in UTF-8, holds a surrogate, or is nested too deeply.
    """
    try:
        text = data.decode()
        value = json.loads(text)
        if "\\u" in text:  # only an escape can give half of a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return a JSON object; raise `ValueError` for anything else, as all functions here do."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {_shown(value)}, not an object")
    return value


def field(value: Mapping[str, Any], name: str, check: Callable[[Any, str], Value]) -> Value:
    """Return a checked value of a JSON object."""
    if name not in value:
        raise ValueError(f"{name} is missing")
    return check(value[name], name)


def text(value: Any, name: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is {_shown(value)}, not a string")
    return value


def count(value: Any, name: str) -> int:
    """Return a whole number that is not negative."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_COUNT:
        raise ValueError(f"{name} is {_shown(value)}, not a whole number from 0")
    return value


def seconds(value: Any, name: str) -> float:
    """Return a time in seconds: finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_SECONDS:
        raise ValueError(f"{name} is {_shown(value)}, not a time in seconds")
    return value


def table(check: Callable[[Any, str], Value]) -> Callable[[Any, str], dict[str, Value]]:
    """Return a check of JSON objects whose values all pass `check`.

    >>> table(count)({"a": 1}, "sizes")
    {'a': 1}
    """

    def checked(value: Any, name: str) -> dict[str, Value]:
        given = mapping(value, name)
        try:
            return {key: check(each, name) for key, each in given.items()}
        except ValueError:  # names of values take longer to make than to check, so they are made for a fault alone
            return {key: check(each, f"{name}[{key!r}]") for key, each in given.items()}

    return checked


def _shown(value: Any) -> str:
    """Return the kind of a value that has parts, and the value itself where it is short.

    >>> _shown([1, 2]), _shown("x" * 100)[:20], _shown(10**100)[:9]
    ('a list', "'xxxxxxxxxxxxxxxxxxx", '100000000')
    """
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
