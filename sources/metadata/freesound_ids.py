"""Read the number of a Freesound sound from a cell, and name the sound and its page."""

from __future__ import annotations

import re
from typing import Any

from pipeline.records import Reason, Rejected
from sources.metadata.cells import name_of

ID = re.compile(r"0*([1-9]\d{0,11})(?:\.0)?", re.ASCII)  # pandas writes a column of integers with empty cells as 1234.0


def sound_number(cell: Any, column: str) -> str:
    """Return the number of a sound as text.

    Raises:
        Rejected: `bad_row`, when the cell holds no such number.

    >>> sound_number("400181", "id"), sound_number(400181.0, "id"), sound_number("400181.0", "id")
    ('400181', '400181', '400181')
    """
    given = name_of(cell, column)
    match = ID.fullmatch(given)
    if match is None:
        raise Rejected(Reason.BAD_ROW, f"{column} {given[:40]!r} is not the number of a Freesound sound")
    return match[1]


def page_of(number: str) -> str:
    """Return the address of a sound's page, where its recording is asked for when no other address is known.

    >>> page_of("400181")
    'https://freesound.org/s/400181/'
    """
    return f"https://freesound.org/s/{number}/"


def recording_name(number: str) -> str:
    """Return the name of a sound as a recording, the same in every source.

    >>> recording_name("400181")
    'freesound:400181'
    """
    return f"freesound:{number}"
