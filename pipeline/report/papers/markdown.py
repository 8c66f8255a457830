"""Write tables and texts of Markdown from values that come from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|#]")


def plain(text: str) -> str:
    """Return a text as one line of Markdown that shows it as it is: no links, no HTML, no cells.

    >>> plain("a | b\\n<img src=x>"), plain("[free](http://evil)")
    ('a \\\\| b \\\\<img src=x\\\\>', '\\\\[free\\\\](http://evil)')
    """
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; cells are shown as they are, columns of numbers are given as text.

    >>> table(("licence", "clips"), [("CC0-1.0", "3")])
    ['| licence | clips |', '|---|---|', '| CC0-1.0 | 3 |']
    """
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return lines + [f"| {' | '.join(map(plain, row))} |" for row in rows]
