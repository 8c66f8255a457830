"""Read a TOML document of bounded size, depth and numbers: what is beyond the bounds is a fault of the document, never of this program."""

from __future__ import annotations

import re
import tomllib
from typing import Any

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
DEEP_KEY = re.compile(rf"""(?<![\w-])(?:(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{MAX_DEPTH}}}""", re.ASCII)


def read_toml(data: bytes) -> dict[str, Any]:
    """Return the document in the bytes of a TOML file that a user gives.

    Raises:
        ValueError: it is larger than any recipe, or as `parse_toml` says; the message has one line.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"{len(data)} bytes, a recipe has at most {MAX_BYTES}: put lists of recordings into a table, and name the table")
    return parse_toml(data)


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return the document in the bytes of a TOML file of any size: the recipe that a folder records has all defaults written out.

    Raises:
        ValueError: it is not TOML in UTF-8, or deeper or with longer numbers than any recipe; the message has one line.
    """
    text = data.decode("utf-8-sig")
    if DEEP_KEY.search(text):  # before it is read, since that takes the square of the depth
        raise ValueError(f"a key nested more than {MAX_DEPTH} deep")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"lists or tables nested more than {MAX_DEPTH} deep") from error
    except ValueError as error:
        if isinstance(error, tomllib.TOMLDecodeError):
            raise
        raise ValueError("a number of more than 4300 digits") from error  # Python reads no longer ones


def shortened(value: Any, length: int = 200) -> str:
    """Return a value as Python writes it, cut to `length` characters.

    >>> shortened("x" * 20, 10)
    "'xxxxxx..."
    """
    if isinstance(value, str | list | tuple):
        value = value[:length]
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # many levels; more digits than Python writes
        text = f"a long {type(value).__name__}"
    return text if len(text) <= length else f"{text[: length - 3]}..."
