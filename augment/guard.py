"""Check that a generated caption names all of its keywords and nothing else."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise

import sentencex
import snowballstemmer

from augment.tables import rows, words
from augment.templates import label_words

MIN_WORDS, MAX_WORDS = 3, 30
MAX_OF_A_WORD = 2  # times that a word of content may stand in a caption

RULES = ("length", "sentences", "repetition", "uncovered", "unsupported")

_STEMMING = threading.Lock()
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_BRACKETS = re.compile(r"\([^)]*\)")
_PARTS = re.compile(r",|/|;|\betc\b")
_STRAY = re.compile(r"[|<>{}\[\]_\\=*#]")  # signs that do not occur in prose: of a repeated prompt, of markup


def check(caption: str, keywords: Sequence[str]) -> str | None:
    """Return the name of the first of `RULES` that a caption breaks; `None` when it breaks none.

    length: 3 to 30 words. sentences: exactly one sentence, without signs of markup. repetition: no word of content three
    times, no word twice in a row, no pair of words twice. uncovered: every keyword is named, by all words of one of its
    names or their synonyms. unsupported: every word of content belongs to the keywords, their synonyms, the words that
    `guard_supports.tsv` allows for them, or the fillers. Words are compared by stem.

    >>> check("A dog barks while rain falls", ["Dog", "Bark", "Rain"])
    >>> check("A dog barks at a teddy bear", ["Dog", "Bark"])
    'unsupported'
    >>> check("A dog barks loudly", ["Dog", "Siren"])
    'uncovered'
    """
    written = [word.lower().replace("’", "'").removesuffix("'s") for word in _WORD.findall(caption)]
    if not MIN_WORDS <= len(written) <= MAX_WORDS:
        return "length"
    if _STRAY.search(caption) or sum(bool(_WORD.search(sentence)) for sentence in sentencex.segment("en", caption)) != 1:
        return "sentences"
    content = [word for word in written if word not in _grammar()]
    if _repeats(written, content):
        return "repetition"
    names = [_names(keyword) for keyword in keywords]
    present = _stems_of(written)
    if not content or not all(any(_covered(name, present) for name in options) for options in names if options):
        return "uncovered"
    allowed = _allowed(tuple(dict.fromkeys(word for keyword in keywords for word in _WORD.findall(label_words(keyword).lower()))))
    halves = {word for pair in pairwise(written) if stem("".join(pair)) in allowed for word in pair}  # "door bell"
    return None if all(word in halves or _is_allowed(word, allowed) for word in content) else "unsupported"


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
    """Return the stemmer. It stores the word that it works on in itself, so only one thread at a time may use it."""
    return snowballstemmer.stemmer("english")


@cache
def _irregular() -> dict[str, str]:
    """Return irregular form -> base form."""
    return {row[0]: row[1] for row in rows("irregular_forms")}


@cache
def _grammar() -> frozenset[str]:
    """Return the words of grammar, which have no content."""
    return frozenset(row[0] for row in rows("function_words"))


@cache
def _fillers() -> frozenset[str]:
    """Return the stems of the words that any caption may hold."""
    return frozenset(map(stem, words("guard_fillers")))


@cache
def _related(table: str) -> dict[str, frozenset[str]]:
    """Return stem of a keyword's word -> stems that the table lists for it."""
    related: dict[str, frozenset[str]] = {}
    for word, others in rows(table):
        related[stem(word)] = related.get(stem(word), frozenset()) | frozenset(map(stem, others.split()))
    return related


@lru_cache(maxsize=65_536)
def _names(keyword: str) -> tuple[tuple[str, ...], ...]:
    """Return the names in a keyword ("Gunshot, gunfire" has two), each as its words of content.

    >>> _names("Gunshot,_gunfire"), _names("Rattle (instrument)"), _names("Music of Africa")
    ((('gunshot',), ('gunfire',)), (('rattle',),), (('music', 'africa'),))
    """
    parts = _PARTS.split(_BRACKETS.sub(" ", label_words(keyword)).lower())
    names = (tuple(word for word in _WORD.findall(part) if word not in _grammar()) for part in parts)
    return tuple(name for name in names if name) or tuple(tuple(_WORD.findall(part)) for part in parts if _WORD.search(part))


def _stems_of(written: list[str]) -> frozenset[str]:
    """Return the stems of words, of the parts of words with hyphens, and of two words in a row written as one word."""
    split = [part for word in written for part in word.split("-")]
    joined = map("".join, pairwise(split))
    return frozenset(map(stem, (*written, *split, *joined, *(word.replace("-", "") for word in written))))


def _covered(name: tuple[str, ...], present: frozenset[str]) -> bool:
    """Return whether every word of a name is among the stems of a caption, itself or by a synonym."""
    return all(
        stem(word) in present
        or stem(word.replace("-", "")) in present
        or not present.isdisjoint(_related("guard_synonyms").get(stem(word), frozenset()))
        or ("-" in word and all(stem(part) in present for part in word.split("-")))
        for word in name
    )


@lru_cache(maxsize=4_096)
def _allowed(keyword_words: tuple[str, ...]) -> frozenset[str]:
    """Return the stems of the words of content that keywords allow in a caption."""
    allowed = set(_fillers()) | _stems_of(list(keyword_words))
    for word in keyword_words:
        for part in {stem(word), *map(stem, word.split("-"))}:
            synonyms = _related("guard_synonyms").get(part, frozenset())
            for name in (part, *synonyms):
                allowed |= synonyms | _related("guard_supports").get(name, frozenset())
    return frozenset(allowed)


def _is_allowed(word: str, allowed: frozenset[str]) -> bool:
    """Return whether a word of a caption is allowed, or all of its parts between hyphens are."""
    return (
        stem(word) in allowed
        or stem(word.replace("-", "")) in allowed
        or ("-" in word and all(stem(part) in allowed for part in word.split("-")))
    )


def _repeats(written: list[str], content: list[str]) -> bool:
    """Return whether a word of content stands three times, a word twice in a row, or a pair of words twice."""
    if any(count > MAX_OF_A_WORD for count in Counter(map(stem, content)).values()):
        return True
    pairs = list(pairwise(written))
    with_content = [pair for pair in pairs if not _grammar().issuperset(pair)]
    return any(first == second for first, second in pairs) or len(set(with_content)) < len(with_content)
