"""Read the JSON files of WavCaps as a stream: they hold up to 400 MB, and one entry at a time is in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import ijson

from sources.metadata.row import Row


def entries(path: Path) -> Iterator[Row]:
    """Yield the entries of the list `data`, numbered from 1; an entry that is no object has a fault.

    Raises:
        ValueError: the file is not JSON to its end, or has no list `data` with entries.
    """
    numbers = itertools.count(1)
    with path.open("rb") as file:
        try:
            for entry in ijson.items(file, "data.item", use_float=True):
                is_object = isinstance(entry, dict)
                yield Row(next(numbers), entry if is_object else {}, "" if is_object else f"a {type(entry).__name__}, not an object")
        except ijson.JSONError as error:
            n_read = next(numbers) - 1
            detail = " ".join(str(error).split())[:200]
            raise ValueError(f"{path}: not JSON after entry {n_read}: {detail}; is the download complete?") from error
    if next(numbers) == 1:
        raise ValueError(f"{path}: no list `data` with entries; is it a JSON file of WavCaps, such as fsd_final.json?")
