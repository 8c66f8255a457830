"""The bundled set: about a hundred short CC0 sounds in many formats, and a few rows that must fail.

Licence: CC0-1.0, every clip. Bring: nothing. How it was made: `make_sounds.py` beside this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.records import Clip, Rejection
from sources import table
from sources.metadata.card import Card
from sources.metadata.options import DatasetName, SourceOptions
from sources.metadata.rows import columns_of

CARD = Card(
    title="the bundled set: about a hundred short sounds in many formats",
    license="CC0-1.0",
    bring="nothing",
    text="captions written for this set; a template where a row has labels only",
)
TABLE = Path(__file__).parent / "clips.csv"


class Options(SourceOptions):
    """Keys of a `quickstart` entry: none of its own."""

    dataset: DatasetName = "Quickstart"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield the clips of the bundled table."""
    return table.read_table_at(TABLE, "bundled:quickstart", options.source, options.dataset)


def check(options: Options) -> None:
    """Raise ValueError when the bundled table is missing from the installation."""
    columns_of(TABLE)


def metadata(options: Options) -> list[Path]:
    """Return the bundled table."""
    return [TABLE]
