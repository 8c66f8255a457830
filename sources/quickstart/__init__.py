"""Read clips from the bundled set: about a hundred short CC0 sounds in many formats, and a few rows that must fail.

Licence: CC0-1.0 for every clip. Needed: nothing. `make_sounds.py` beside this file made the set.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.records import Clip, Rejection
from sources import table
from sources.metadata.card import Card, Need
from sources.metadata.file_hash import file_sha256
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
    """Keys of a `quickstart` entry: only those that every source has."""

    dataset: DatasetName = "Quickstart"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield the clips of the bundled table."""
    return table.read_table_at(TABLE, "bundled:quickstart", options.source, options.dataset)


def needs(_: Options) -> tuple[Need, ...]:
    """Return the files that an entry needs."""
    return ()


def check(options: Options) -> None:
    """Raise ValueError when the bundled table is missing from the installation."""
    columns_of(TABLE)


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the bundled table."""
    return file_sha256(TABLE)
