"""Find the classes above a class in the ontology of AudioSet: a caption that names a dog names an animal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from augment.tables import rows
from augment.templates import label_words

_JOINING = frozenset({"and", "or", "etc"})
_SURROUNDINGS = ("inside", "channel")


def class_key(name: str) -> str:
    """Return a name of a class in the form in which names of AudioSet and FSD50K are equal.

    >>> class_key("Chirp, tweet"), class_key("Chirp_and_tweet"), class_key("Whimper (dog)")
    ('chirp tweet', 'chirp tweet', 'whimper dog')
    """
    return " ".join(word for word in re.findall(r"[^\W_]+", name.casefold()) if word not in _JOINING)


@lru_cache(maxsize=4_096)
def above(name: str) -> frozenset[str]:
    """Return the keys of all classes above a class; none for a name that is no class.

    >>> sorted(above("Bark"))
    ['animal', 'dog', 'domestic animals pets']
    """
    matches: set[str] = set()
    waiting = [class_key(name)]
    while waiting:
        new = _parents().get(waiting.pop(), frozenset()) - matches
        matches |= new
        waiting += new
    return frozenset(matches)


def most_specific(keywords: Sequence[str]) -> list[str]:
    """Return the keywords without those that stand above another of them.

    >>> most_specific(["Animal", "Bark", "Dog", "Music"])
    ['Bark', 'Music']
    """
    named = {ancestor for keyword in keywords for ancestor in above(keyword)}
    return [keyword for keyword in keywords if class_key(keyword) not in named]


def prompt_name(keyword: str) -> str:
    """Return the first name of a keyword in small letters, without text in brackets and marks; of an inside the second.

    >>> [prompt_name(name) for name in ("Gunshot, gunfire", "Rattle (instrument)", "p.a. system", "Inside, small room", "_")]
    ['gunshot', 'rattle', 'pa system', 'small room', '']
    """
    label = re.sub(r"\([^)]*\)", " ", label_words(keyword))
    parts = [" ".join(part.replace(".", "").lower().split()) for part in re.split(r"[,;/|]", label)]
    return parts[1] if len(parts) > 1 and parts[0] in _SURROUNDINGS else parts[0]


@cache
def classes_by_prompt_name() -> dict[str, str]:
    """Return what `prompt_name` says of a class -> the class; of several the shortest."""
    return {prompt_name(name): name for name, *_ in sorted(rows("class_parents"), key=lambda row: (-len(row[0]), row[0]))}


@cache
def _parents() -> dict[str, frozenset[str]]:
    """Return key of a class -> keys of the classes right above it."""
    return {class_key(name): frozenset(map(class_key, parents)) for name, *parents in rows("class_parents")}
