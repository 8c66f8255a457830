"""Convert the cells of a table: paths, times in seconds, texts and labels."""

from __future__ import annotations

import math
import os
import re
from pathlib import PurePosixPath
from typing import Any

from pipeline.records import Reason, Rejected

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")


def resolve_url(url: str, folder: PurePosixPath) -> str:
    """Return an address unchanged; return a path relative to `folder` as a normal path relative to the folder of the recipe.

    `folder` is the folder of the table, relative to the folder of the recipe. An absolute path stays absolute.

    >>> resolve_url("./a//rain.wav", PurePosixPath("sounds/../tables")), resolve_url("https://example.org/a.wav", PurePosixPath("tables"))
    ('tables/a/rain.wav', 'https://example.org/a.wav')
    """
    if not url or _SCHEME.match(url):
        return url
    return os.path.normpath(url if url.startswith("/") else f"{folder}/{url}")


def parse_seconds(text: str, column: str) -> float | None:
    """Return a time in seconds, finite and not negative; `None` for an empty cell or "nan".

    Raises:
        Rejected: BAD_ROW when the text is not a number, OUT_OF_RANGE when it is infinite or negative.

    >>> parse_seconds("12.5", "start"), parse_seconds("", "end")
    (12.5, None)
    """
    if not text or text.lower() == "nan":
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise Rejected(Reason.BAD_ROW, f"{column} = {text!r} is not a number of seconds") from error
    if not math.isfinite(value) or value < 0:
        raise Rejected(Reason.OUT_OF_RANGE, f"{column} = {text} s")
    return value


def split_texts(cell: Any) -> list[str]:
    """Return the texts of a cell that holds one text or a list of texts; leave out empty texts.

    >>> split_texts(["Rain", None, " "]), split_texts("Rain")
    (['Rain'], ['Rain'])
    """
    values = cell if isinstance(cell, list | tuple) else [cell]
    return [str(text) for text in values if text is not None and str(text).strip()]


def split_labels(cell: Any) -> list[str]:
    """Return the labels of a cell: a list, or a text split at `;`, else at `|`, else at commas.

    >>> split_labels("Gunshot, gunfire;Speech"), split_labels("dog,bark")
    (['Gunshot, gunfire', 'Speech'], ['dog', 'bark'])
    """
    if isinstance(cell, str):
        separator = next((sign for sign in ";|" if sign in cell), ",")
        cell = cell.split(separator)
    return [text.strip() for text in split_texts(cell)]
