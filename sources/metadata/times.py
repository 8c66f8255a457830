"""Read times in a recording, in seconds, from the cells of a table."""

from __future__ import annotations

import datetime
import math
import re
from decimal import Decimal
from typing import Any

from pipeline.records import Reason, Rejected
from sources.metadata.cells import text_of

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+) days? )?(?:(\d+):)?(\d+):([0-5]?\d(?:[.,]\d+)?)", re.ASCII)


def parse_seconds(cell: Any, column: str) -> float | None:
    """Return a time in seconds, finite and not negative; `None` for a missing value.

    Texts are numbers, "minutes:seconds" or "hours:minutes:seconds"; durations and times of day are read too.

    Raises:
        Rejected: `bad_row`, when it is no such time.

    >>> parse_seconds("12.5", "start"), parse_seconds("00:01:02.5", "start"), parse_seconds("", "end")
    (12.5, 62.5, None)
    """
    if isinstance(cell, datetime.timedelta):
        value = cell.total_seconds()
    elif isinstance(cell, datetime.time):
        value = cell.hour * 3600 + cell.minute * 60 + cell.second + cell.microsecond / 1e6
    elif isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        value = _as_float(cell)
    else:
        text = text_of(cell, column)
        if not text:
            return None
        value = _seconds_in(text, column)
    if math.isnan(value):
        return None
    if not math.isfinite(value) or value < 0:
        raise Rejected(Reason.BAD_ROW, f"{column} = {str(cell)[:40]} s is not a time in a recording")
    return value


def _as_float(cell: int | float | Decimal) -> float:
    try:
        return float(cell)
    except (OverflowError, ValueError):  # an integer beyond all floats; a signalling NaN
        return math.inf


def _seconds_in(text: str, column: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in clock.groups())
        if clock[2] is None or minutes < 60:
            return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if text.lower().lstrip("+-") in {"inf", "infinity"}:
        return math.inf
    raise Rejected(Reason.BAD_ROW, f"{column} = {text[:40]!r} is not a number of seconds")
