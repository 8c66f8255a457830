"""Read the word tables in `augment/data`. Words stand in tables, so that they can be reviewed without reading code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of `augment/data/<name>.tsv`; empty lines and lines that begin with `#` are left out."""
    lines = text_of(name).splitlines()
    return tuple(tuple(line.split("\t")) for line in lines if line.strip() and not line.startswith("#"))


def text_of(name: str) -> str:
    """Return the text of `augment/data/<name>.tsv`."""
    return (_DATA / f"{name}.tsv").read_text(encoding="utf-8")


@cache
def words(name: str) -> frozenset[str]:
    """Return the first column of a table as a set.

    >>> "Africa" in words("proper_words")
    True
    """
    return frozenset(row[0] for row in rows(name))
