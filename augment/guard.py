"""Whether a generated caption says what its keywords say, and nothing else."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise

import sentencex
import snowballstemmer

from augment.tables import rows, words
from augment.templates import label_words

MIN_WORDS, MAX_WORDS = 3, 30
MAX_OF_A_WORD = 2  # times one word of content may stand in a caption

RULES = ("length", "sentences", "repetition", "uncovered", "unsupported")

_STEMMING = threading.Lock()
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_BRACKETS = re.compile(r"\([^)]*\)")
_PARTS = re.compile(r",|/|;|\betc\b")
_STRAY = re.compile(r"[|<>{}\[\]_\\=*#]")  # what prose does not hold: a prompt that was said again, markup


def check(caption: str, keywords: Sequence[str]) -> str | None:
    """Return the name of the first of `RULES` that a caption breaks; `None` when it may stand.

    length: 3 to 30 words; sentences: exactly one, of prose; repetition: no word of content three times, no pair of words twice;
    uncovered: of every keyword, one of its names is there, word by word, by stem or synonym; unsupported: no other
    words of content than those of the keywords, their synonyms, what they may bring, and fillers.

    >>> check("A dog barks while rain falls", ["Dog", "Bark", "Rain"])
    >>> check("A dog barks at a teddy bear", ["Dog", "Bark"])
    'unsupported'
    >>> check("A dog barks loudly", ["Dog", "Siren"])
    'uncovered'
    """
    found = [word.lower().replace("’", "'").removesuffix("'s") for word in _WORD.findall(caption)]
    if not MIN_WORDS <= len(found) <= MAX_WORDS:
        return "length"
    if _STRAY.search(caption) or sum(bool(_WORD.search(sentence)) for sentence in sentencex.segment("en", caption)) != 1:
        return "sentences"
    content = [word for word in found if word not in _grammar()]
    if _repeats(found, content):
        return "repetition"
    names = [_names(keyword) for keyword in keywords]
    present = _stems_of(found)
    if not content or not all(any(_covered(name, present) for name in options) for options in names if options):
        return "uncovered"
    allowed = _allowed(tuple(dict.fromkeys(word for keyword in keywords for word in _WORD.findall(label_words(keyword).lower()))))
    in_two = {word for one, two in pairwise(found) if stem(one + two) in allowed for word in (one, two)}  # "door bell"
    return None if all(word in in_two or _is_allowed(word, allowed) for word in content) else "unsupported"


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the stem of an English word, irregular plurals and pasts included.

    >>> stem("barking") == stem("barks") == stem("Bark"), stem("mice") == stem("mouse")
    (True, True)
    """
    lower = word.lower().replace("’", "'")
    with _STEMMING:
        return _stemmer().stemWord(_irregular().get(lower, lower))


@cache
def _stemmer() -> snowballstemmer.stemmer:
    """Return the stemmer, which works on itself and so serves one thread at a time."""
    return snowballstemmer.stemmer("english")


@cache
def _irregular() -> dict[str, str]:
    """Return irregular form -> plain form."""
    return {row[0]: row[1] for row in rows("irregular_forms")}


@cache
def _grammar() -> frozenset[str]:
    """Return the words that carry no content."""
    return frozenset(row[0] for row in rows("function_words"))


@cache
def _fillers() -> frozenset[str]:
    """Return the stems of words that any caption may hold."""
    return frozenset(map(stem, words("guard_fillers")))


@cache
def _related(table: str) -> dict[str, frozenset[str]]:
    """Return stem of a keyword's word -> stems that a table allows for it."""
    found: dict[str, frozenset[str]] = {}
    for row in rows(table):
        found[stem(row[0])] = found.get(stem(row[0]), frozenset()) | frozenset(map(stem, row[1].split()))
    return found


@lru_cache(maxsize=65_536)
def _names(keyword: str) -> tuple[tuple[str, ...], ...]:
    """Return the names in a keyword ("Gunshot, gunfire" has two), each as its words of content.

    >>> _names("Gunshot,_gunfire"), _names("Rattle (instrument)"), _names("Music of Africa")
    ((('gunshot',), ('gunfire',)), (('rattle',),), (('music', 'africa'),))
    """
    parts = _PARTS.split(_BRACKETS.sub(" ", label_words(keyword)).lower())
    names = (tuple(word for word in _WORD.findall(part) if word not in _grammar()) for part in parts)
    return tuple(name for name in names if name) or tuple(tuple(_WORD.findall(part)) for part in parts if _WORD.search(part))


def _stems_of(found: list[str]) -> frozenset[str]:
    """Return the stems of words, of the parts of those with hyphens, and of neighbours written as one."""
    split = [part for word in found for part in word.split("-")]
    joined = [one + two for one, two in pairwise(split)]
    return frozenset(map(stem, (*found, *split, *joined, *(word.replace("-", "") for word in found))))


def _covered(name: tuple[str, ...], present: frozenset[str]) -> bool:
    """Whether every word of a name is there, by stem or synonym."""
    return all(
        stem(word) in present
        or stem(word.replace("-", "")) in present
        or not present.isdisjoint(_related("guard_synonyms").get(stem(word), frozenset()))
        or ("-" in word and all(stem(part) in present for part in word.split("-")))
        for word in name
    )


@lru_cache(maxsize=4_096)
def _allowed(keyword_words: tuple[str, ...]) -> frozenset[str]:
    """Return the stems that keywords allow into a caption."""
    allowed = set(_fillers()) | _stems_of(list(keyword_words))
    for word in keyword_words:
        for part in {stem(word), *map(stem, word.split("-"))}:
            synonyms = _related("guard_synonyms").get(part, frozenset())
            for name in (part, *synonyms):
                allowed |= synonyms | _related("guard_supports").get(name, frozenset())
    return frozenset(allowed)


def _is_allowed(word: str, allowed: frozenset[str]) -> bool:
    """Whether one word of a caption is allowed, as it is or part by part."""
    return (
        stem(word) in allowed
        or stem(word.replace("-", "")) in allowed
        or ("-" in word and all(stem(part) in allowed for part in word.split("-")))
    )


def _repeats(found: list[str], content: list[str]) -> bool:
    """Whether a caption says something again: a word of content three times, a word after itself, a pair of words twice."""
    stems = [stem(word) for word in content]
    if any(stems.count(one) > MAX_OF_A_WORD for one in stems):
        return True
    pairs = list(pairwise(found))
    telling = [pair for pair in pairs if pair[0] not in _grammar() or pair[1] not in _grammar()]
    return any(one == two for one, two in pairs) or len(set(telling)) < len(telling)
