"""Read Clotho's metadata: which sound of Freesound each file was cut from, who made it, and under which licence."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from pipeline.records import Rejected
from sources.metadata import csv_rows
from sources.metadata.cells import name_of, text_of
from sources.metadata.licenses import spdx

ENCODING = "latin-1"  # of Clotho 2 and 2.1
COLUMNS = ("file_name", "sound_id", "manufacturer", "license")
LINK = re.compile(r"freesound\.org/(?:people/[^/]+/sounds|s|sounds)/(\d+)")


@dataclass(frozen=True, slots=True)
class ClothoSound:
    """What Clotho's metadata says of a file; `freesound_id` is the number of the sound, "" where Clotho's authors found none."""

    freesound_id: str
    creator: str | None
    license: str | None
    keywords: tuple[str, ...]


def clotho_sounds(path: Path) -> dict[str, ClothoSound]:
    """Return file name (NFC) -> its sound.

    A row that cannot be read gives none, so its clip has neither number nor licence: a licence list keeps it out.

    Raises:
        ValueError: the table lacks a column or cannot be read to its end.
    """
    present = csv_rows.columns(path, ENCODING)
    if missing := [name for name in COLUMNS if name not in present]:
        raise ValueError(f"{path}: no column {', '.join(missing)}; is it Clotho's clotho_metadata_*.csv?")
    sounds = {}
    for row in csv_rows.rows(path, fallback=ENCODING):
        if row.fault:
            continue
        try:
            name = unicodedata.normalize("NFC", name_of(row.values["file_name"], "file_name"))
            sounds[name] = _sound({column: text_of(row.values.get(column), column) for column in present if column})
        except Rejected:
            continue
    return sounds


def _sound(cells: dict[str, str]) -> ClothoSound:
    number = cells["sound_id"].removesuffix(".0")
    link = LINK.search(cells.get("sound_link", ""))
    return ClothoSound(
        freesound_id=number if number.isascii() and number.isdigit() else link[1] if link else "",
        creator=cells["manufacturer"] or None,
        license=_license(cells["license"]),
        keywords=tuple(dict.fromkeys(text for word in cells.get("keywords", "").split(";") if (text := word.strip()))),
    )


def _license(text: str) -> str | None:
    """Return the licence of a sound; the text where it names two, so that the id of the sound is not lost, and no allow list has it."""
    try:
        return spdx(text)
    except Rejected:
        return text
