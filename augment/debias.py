"""Caption -> the same caption with words of gender made neutral, and what was changed by which rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from augment.tables import rows

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement: the rule that made it, the words before and after."""

    rule: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Debiased:
    """A caption after de-biasing. `text` equals the input when `changes` is empty."""

    text: str
    changes: tuple[Change, ...] = ()


def debias(text: str) -> Debiased:
    """Replace words of gender by neutral ones; the second time nothing changes.

    >>> debias("A woman talks nearby as water pours").text
    'A person talks nearby as water pours'
    >>> debias("A manual typewriter").changes
    ()
    """
    changes: list[Change] = []

    def neutral(match: re.Match) -> str:
        word = match[0]
        found = _nouns().get(word.lower())
        if found is None:
            return word
        rule, after = found
        after = after.upper() if len(word) > 1 and word.isupper() else after.capitalize() if word[0].isupper() else after
        changes.append(Change(rule, word, after))
        return after

    changed = _WORD.sub(neutral, text)
    return Debiased(changed, tuple(changes)) if changes else Debiased(text)


@cache
def _nouns() -> dict[str, tuple[str, str]]:
    """Return word -> (rule, neutral word), both in lower case."""
    return {before: (rule, after) for rule, before, after in rows("debias_nouns")}
