"""Write ATTRIBUTION.csv: who made each recording, under which licence, and where it is from. Spreadsheets may open it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from pipeline.masking import mask_address, mask_text
from pipeline.report.papers.clips import PaperClip

HEADER = ("id", "title", "creator", "license", "url", "license_given", "key")
FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
"""Characters that make a spreadsheet take a cell for a formula, in both widths that they have."""
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_BEGINS = re.compile(rf"(^|;)(?=\s*[{re.escape(FORMULA)}])")
"""Where a formula may begin: at the start of a cell, and behind a semicolon, which is the separator of many countries."""


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: `'` stands before one. Line breaks and tabs become blanks.

    >>> safe_cell("=1+1"), safe_cell(" @SUM(A1)"), safe_cell("rain;=1+1"), safe_cell("rain - storm"), safe_cell("two\\nlines")
    ("'=1+1", "' @SUM(A1)", "rain;'=1+1", 'rain - storm', 'two lines')
    """
    return _BEGINS.sub(r"\1'", _BREAKS.sub(" ", text))


def attribution_lines(clips: Iterable[PaperClip]) -> str:
    """Return the lines of some clips, every cell in quotes."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(map(_row, clips))
    return text.getvalue()


def attribution_header() -> str:
    """Return the first line of the file.

    >>> attribution_header()
    '"id","title","creator","license","url","license_given","key"\\n'
    """
    return ",".join(f'"{name}"' for name in HEADER) + "\n"


def _row(clip: PaperClip) -> tuple[str, ...]:
    values = (clip.name, mask_text(clip.title), mask_text(clip.creator), clip.license, mask_address(clip.url), clip.license_given, clip.key)
    return tuple(map(safe_cell, values))
