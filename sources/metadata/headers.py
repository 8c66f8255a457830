"""Clean and compare names of columns: which column holds which field, and which names may be mistakes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

AROUND = " \t\r\n\v\f\u00a0\u200b\u2060\ufeff"
MAX_SHOWN = 20  # names in a message
MAX_MISTAKE = 40  # characters; a longer name is no mistake of a short one
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
MEANINGS: Mapping[str, frozenset[str]] = {
    "start": frozenset({"start", "starts", "begin", "begins", "onset"}),
    "end": frozenset({"end", "ends", "stop", "stops", "offset"}),
    "split": frozenset({"split", "splits", "subset", "partition"}),
    "caption": frozenset({"caption", "captions"}),
}
"""Words in the name of a column that mean a field without which a clip would be wrong: another excerpt, another split, another text."""
GLUED = {
    field: re.compile(rf"(clip|segment|seg|t)?({'|'.join(sorted(words))})(time|times|sec|secs|second|seconds|s|ms|frame|sample)?")
    for field, words in MEANINGS.items()
}


@lru_cache(1 << 10)
def cleaned(name: str) -> str:
    """Return the name of a column without blanks, no-break spaces and byte order marks around it.

    >>> cleaned("\\ufeff start ")
    'start'
    """
    return name.strip(AROUND)


@lru_cache(1 << 17)
def folded(name: str) -> str:
    """Return the form in which names are compared: without case, blanks, hyphens and underscores.

    >>> folded("Caption_1") == folded(" caption 1")
    True
    """
    return re.sub(r"[\s_-]+", "", cleaned(name)).casefold()


def checked_header(path: Path, names: Iterable[str]) -> list[str]:
    """Return the cleaned names of the columns of a table. Columns may be without a name, and are not read then.

    Raises:
        ValueError: two columns have one name.
    """
    header = [cleaned(name) for name in names]
    repeated = sorted(name for name, n in Counter(header).items() if n > 1 and name)
    if repeated:
        raise ValueError(f"{path}: the header names {shown(map(repr, repeated))} more than once; give each column its own name")
    return header


def shown(names: Iterable[str]) -> str:
    """Return names for a message: the first `MAX_SHOWN`, each cut to 80 characters, and how many more there are.

    >>> shown(["a", "b"])
    'a, b'
    """
    names = list(names)
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(name[:80] for name in names[:MAX_SHOWN]) + more


def usual_column(field: str, present: Collection[str], path: Path) -> str | None:
    """Return the column of a field: the one of the field's name, else one that differs only in case, blanks, hyphens or underscores.

    Raises:
        ValueError: two columns differ from the name of the field in that way only.
    """
    alike = [name for name in present if folded(name) == folded(field)]
    if field in alike or not alike:
        return field if alike else None
    if len(alike) > 1:
        raise ValueError(f'{path}: columns {shown(map(repr, alike))} may both be {field}; name one: {field} = "{alike[0]}"')
    return alike[0]


def mistakes(missing: Sequence[str], unused: Iterable[str]) -> dict[str, str]:
    """Return the unused columns whose names are near to the name of a missing field: column -> field.

    Near is a name that differs by a letter or by two letters in the other order ("strat"), and for start, end, split and caption
    also a name with that word or a synonym in it ("start_time", "clipEnd", "offset").

    >>> mistakes(["start", "end", "labels"], ["strat", "end_time", "label", "fold"])
    {'strat': 'start', 'end_time': 'end', 'label': 'labels'}
    """
    near: dict[str, str] = {}
    for column in unused:
        if len(column) <= MAX_MISTAKE:
            name, words = folded(column), frozenset(word.lower() for word in WORDS.findall(column))
            near.update((column, field) for field in missing if is_misspelt(name, field) or _means(name, words, field))
    return near


def refuse_mistakes(path: Path, missing: Sequence[str], unused: Iterable[str], remedy: str) -> None:
    """Raise ValueError for `mistakes`; `remedy` says what to do, with the places {field}, {column} and {columns}."""
    if near := mistakes(missing, unused):
        column, field = next(iter(near.items()))
        others = f"; so are {shown(map(repr, list(near)[1:]))}" if len(near) > 1 else ""
        do = remedy.format(field=field, column=column, columns=list(near)[:MAX_SHOWN])
        raise ValueError(f"{path}: column {column!r} is not read, and there is no column for {field}{others}: {do}")


def _means(name: str, words: frozenset[str], field: str) -> bool:
    return field in MEANINGS and (not words.isdisjoint(MEANINGS[field]) or GLUED[field].fullmatch(name) is not None)


def is_misspelt(name: str, known: str) -> bool:
    """Return whether one letter of a known name was added, left out or changed, or two exchanged; short names only with an `s` added.

    >>> is_misspelt("strat", "start"), is_misspelt("start", "start"), is_misspelt("ids", "id"), is_misspelt("kid", "id")
    (True, False, True, False)
    """
    if abs(len(name) - len(known)) > 1 or name == known:
        return False
    if len(known) <= 3:
        return name == f"{known}s"
    first = next((n for n, (a, b) in enumerate(zip(name, known, strict=False)) if a != b), min(len(name), len(known)))
    given, known = name[first:], known[first:]
    exchanged = given[:2] == known[1::-1] and given[2:] == known[2:] and len(known) > 1
    return given[1:] == known[1:] or given[1:] == known or given == known[1:] or exchanged
