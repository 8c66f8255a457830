"""Find and leave out what a text says of equipment: recorders, programs and formats."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from augment.tables import rows, words

_TOKEN = re.compile(r"[\w'-]+")
_REST = re.compile(
    r"[\s,;.]+(?:(?:and|they|it|these|this|that|which|all|are|is|was|were|have|has|been|simply|just|first|then|\w+ly)\b\s*)+$",
    re.IGNORECASE,
)
_MADE = (
    r"(?:which (?:was|were|i) |that (?:was|i) |i |was |were |been |all |and (?:then )?)*(?:re-?)?"
    r"(?:recorded|recording|captured|taken|sampled|made|created|generated|edited|processed|mixed|produced|rendered|mastered|cleaned(?: up)?"
    r"|designed|done|played|filmed|rec|using|via|through|with)"
)
_TO = (
    r"(?:\s+(?:with|using|on|by|via|in|into|through|from|to|at|and|a|an|my|the|one|two|some|pair|of|portable|handheld|digital|old"
    r"|\w+'s|only))*"
)


def without_equipment(text: str) -> str:
    """Return a sentence that names equipment without the brackets and clauses that do.

    >>> without_equipment("Rain, recorded with a Zoom H4n"), without_equipment("Rain (Zoom H2) on a roof")
    ('Rain', 'Rain on a roof')
    """
    text = _in_brackets().sub("", text)
    shorter = until(_tail(), text)
    return _without_clause(_REST.sub("", shorter) if shorter != text else text)


def _without_clause(text: str) -> str:
    """Return a sentence without the clauses from the first comma or dash on behind which equipment is named.

    >>> _without_clause("A gate slams twice, changed in Audacity"), _without_clause("Audacity, a gate")
    ('A gate slams twice', 'Audacity, a gate')
    """
    match = equipment().search(text)
    if match is None:
        return text
    before = max(text.rfind(mark, 0, match.start()) for mark in (", ", " - ", "; ", ". "))
    return text[:before] if len(text[: max(before, 0)].split()) > 2 else text


def until(pattern: re.Pattern, text: str) -> str:
    """Return a text up to where a pattern is, without the marks before it."""
    match = pattern.search(text)
    return text[: match.start()].rstrip(" ,;:.(–-") if match else text


def without_formats(text: str) -> str:
    """Return a text without the brackets that name equipment or a format.

    >>> without_formats("Rain (mono)"), without_formats("Rain (on a roof)")
    ('Rain', 'Rain (on a roof)')
    """
    return _in_brackets().sub("", text) if "(" in text or "[" in text else text


@cache
def equipment() -> re.Pattern:
    return _names(row[0] for row in rows("equipment"))


def _names(patterns: Iterable[str]) -> re.Pattern:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(patterns)})(?![\w-])", re.IGNORECASE)


def names_equipment(text: str) -> bool:
    """Return whether a text names equipment. Single words are looked up first, which takes less time than the pattern."""
    tokens = _TOKEN.findall(text.lower())
    if any(map(is_equipment, tokens)):
        return True
    return not _first_words().isdisjoint(tokens) and equipment().search(text) is not None


@lru_cache(maxsize=1 << 16)
def is_equipment(word: str) -> bool:
    """Return whether a word in small letters names equipment.

    >>> is_equipment("zoom"), is_equipment("mkh416"), is_equipment("zooms")
    (True, True, False)
    """
    return word.partition("'")[0] in words("equipment") or _patterns().search(word) is not None


@cache
def _patterns() -> re.Pattern:
    """Return the pattern of the names that are not written in one way alone."""
    return _names(row[0] for row in rows("equipment") if not row[0].isalnum())


@cache
def _first_words() -> frozenset[str]:
    """Return the first words of the names that have two."""
    return frozenset(row[0].partition(" ")[0] for row in rows("equipment") if " " in row[0])


@cache
def _in_brackets() -> re.Pattern:
    return re.compile(rf"\s*[(\[][^()\[\]]*{equipment().pattern}[^()\[\]]*[)\]]", re.IGNORECASE)


@cache
def _tail() -> re.Pattern:
    return re.compile(rf"\b{_MADE}{_TO}\s+(?:[\w-]+\s+){{0,3}}{equipment().pattern}.*$", re.IGNORECASE)
