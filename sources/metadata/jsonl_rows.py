"""Read jsonl tables: one JSON object a line, each with its own columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sources.metadata.headers import cleaned
from sources.metadata.row import Row
from sources.metadata.text_lines import MAX_LINE, lines_of, unreadable


def rows(path: Path) -> Iterator[Row]:
    """Yield every row of a jsonl table; lines that are no JSON object have a fault."""
    for number, line in enumerate(lines_of(path), 1):
        if len(line) > MAX_LINE:
            yield Row(number, {}, f"a line of more than {MAX_LINE} characters")
        elif line.strip():
            yield _row(number, line)


def _row(number: int, line: str) -> Row:
    try:
        values = json.loads(line, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        return Row(number, {}, f"not JSON: {str(error)[:200]}")
    if not isinstance(values, dict):
        return Row(number, {}, f"a {type(values).__name__}, not an object")
    names = [cleaned(name) for name in values]
    if len(set(names)) != len(names):
        return Row(number, {}, "two names differ only in blanks")
    return Row(number, dict(zip(names, values.values(), strict=True)), unreadable(line))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return values
