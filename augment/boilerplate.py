"""Find the sentences of a description that are about other things than the sound: equipment, licences, thanks, packs and links."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

from augment.tables import rows

_WORD = re.compile(r"\w+")
AT_END = "?"
"""Stands among the words of a pattern for a question mark at the end of the sentence."""


def is_about_other_things(sentence: str) -> bool:
    """Return whether a sentence is about other things than the sound.

    >>> is_about_other_things("This sound was recorded with a Zoom H4n."), is_about_other_things("A door slams.")
    (True, False)
    """
    lowered = sentence.lower()  # patterns that look at case take twice the time
    if _beginnings().match(lowered) is not None:
        return True
    held = _by_word().keys() & _WORD.findall(lowered)
    if lowered.endswith(AT_END):
        held.add(AT_END)
    return any(pattern.search(lowered) is not None for word in held for pattern in _by_word()[word])


@cache
def _beginnings() -> re.Pattern:
    """Return the pattern for the beginnings of such sentences, which is tried only there."""
    return re.compile("|".join(f"(?:{row[0]})" for row in rows("boilerplate") if row[0].startswith("^")))


@cache
def _by_word() -> dict[str, list[re.Pattern]]:
    """Return the other patterns by each of the words one of which is in every sentence that they match: most sentences hold none."""
    patterns: dict[str, list[re.Pattern]] = defaultdict(list)
    for row in rows("boilerplate"):
        if not row[0].startswith("^"):
            for word in row[1].split():
                patterns[word].append(re.compile(row[0]))
    return dict(patterns)
