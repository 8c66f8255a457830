"""Read lists that a program wrote as text into one cell: by JSON, by Python's `repr`, or by NumPy."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

MAX_CHARACTERS = 1 << 16
CLOSED_BY = {"[": "]", "(": ")", "{": "}"}
ITEM = re.compile(r"""[uU]?'(?:[^'\\]|\\.)*'|[uU]?"(?:[^"\\]|\\.)*"|None|nan|[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?""", re.DOTALL)
SEPARATOR = re.compile(r"\s*,\s*|\s+")  # NumPy writes only blanks between items
QUOTED = re.compile(r"""[\[{]\s*[uU]?['"]""")
ARRAY = re.compile(r"array\((\[.*\])(?:, dtype=[^()]*)?\)", re.DOTALL)


def listed(text: str) -> list[Any] | None:
    """Return the items of a text that is a list; `None` for a text that is none, such as "[Music]".

    Raises:
        ValueError: it begins with a bracket and a quote, as lists of texts do, and cannot be read as a list.

    >>> listed("['A dog', 'A cat']"), listed('["A dog", null]'), listed("['A dog' 'A cat']"), listed("[Music]")
    (['A dog', 'A cat'], ['A dog', None], ['A dog', 'A cat'], None)
    """
    text = text.strip()
    if text.startswith("array(") and (array := ARRAY.fullmatch(text)):
        text = array[1]
    if text[:1] not in CLOSED_BY:
        return None
    closed, looks_like_a_list = text[-1] == CLOSED_BY[text[0]], QUOTED.match(text) is not None
    if not closed and CLOSED_BY[text[0]] in text:  # "['rain'] and wind"
        return None
    if closed and len(text) <= MAX_CHARACTERS:
        items = _json(text) if text[0] == "[" else None
        items = list(_written_by_python(text)) if items is None else items
        if not items or items[-1] is not ...:
            return items
    if looks_like_a_list:
        raise ValueError(f"{text[:40]!r} looks like a list, and cannot be read as one; write the texts in columns of their own")
    return None


def _json(text: str) -> list[Any] | None:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) else None


def _written_by_python(text: str) -> Iterator[Any]:
    """Yield the items of a list, tuple or set; `...` at last when it is none of them. Nested lists are not read.

    Two texts without a comma between them are two items, as NumPy writes them; Python itself would join them.
    """
    at, end = len(text) - len(text[1:].lstrip()), len(text[:-1].rstrip())
    separators = set()
    while at < end:
        item = ITEM.match(text, at, end)
        if item is None:
            yield ...
            return
        yield _literal(item[0])
        separator = SEPARATOR.match(text, item.end(), end)
        at = separator.end() if separator else item.end()
        if separator or at < end:  # a tuple of one item has a comma at its end
            separators.add(separator[0].strip() if separator else None)
    if len(separators) > 1 or None in separators or (text[0] != "[" and separators != {","}):
        yield ...


def _literal(item: str) -> Any:
    """Return the value of one literal; `...` for a text with a broken escape."""
    if item == "nan":
        return None
    try:
        return ast.literal_eval(item)
    except (ValueError, SyntaxError):
        return ...
