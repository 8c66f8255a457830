"""Make texts and addresses of tables safe to show: short, on one line, and with nothing in them that a reader cannot see."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipeline.masking import mask_address

MAX_TEXT = 600  # characters of a caption, of which few have more than 200
MAX_NAME = 80  # characters of a name in a table: licence, host, label, creator
MAX_LINK = 2_000  # characters of an address that a link leads to; browsers take about as many
MAX_MARKS = 4  # on one letter, as in Vietnamese and Hebrew; towers of marks would cover the lines around
JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are written with them
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Categories of Unicode of characters that cannot be seen: controls, marks that turn the direction of text, halves of characters."""
_MARKS = {"Mn", "Me"}
"""Categories of marks above and below a letter."""
_SPACES = re.compile(r"[\s\u2028\u2029]+")


def shown(text: str | None, limit: int = MAX_TEXT) -> str:
    """Return a text as the report shows it: on one line, cut after `limit` characters, hidden characters written as their numbers.

    Of many marks on one letter the first are kept.

    >>> shown("rain\\n on  a roof"), shown("\\u202egnirts"), shown("x" * 1000, 10)
    ('rain on a roof', '⟨U+202E⟩gnirts', 'xxxxxxxxxx… (1,000 characters)')
    """
    given = text or ""
    short = _SPACES.sub(" ", given[: 4 * limit]).strip()
    visible = "".join(_visible(short[:limit]))
    return visible if len(short) <= limit and len(given) <= 4 * limit else f"{visible}… ({len(given):,} characters)"


def _visible(text: str) -> Iterator[str]:
    n_marks = 0
    for character in text:
        category = unicodedata.category(character)
        n_marks = n_marks + 1 if category in _MARKS else 0
        if category in _HIDDEN and character not in JOINERS:
            yield f"⟨U+{ord(character):04X}⟩"
        elif n_marks <= MAX_MARKS:
            yield character


def link(url: str | None) -> str:
    """Return the address that a link may lead to: http or https with a host, and nothing in it that is masked or hidden; else "".

    >>> link("https://freesound.org/s/17/"), link("javascript:alert(1)"), link("https://me:pw@a.org/?token=1"), link("//a.org")
    ('https://freesound.org/s/17/', '', '', '')
    """
    given = url or ""
    if len(given) > MAX_LINK or shown(given, MAX_LINK) != given or " " in given or "\\" in given or mask_address(given) != given:
        return ""
    try:
        parts = urlsplit(given)
        return given if parts.scheme.lower() in {"http", "https"} and parts.hostname else ""
    except ValueError:  # such as a bracket that is not closed
        return ""
