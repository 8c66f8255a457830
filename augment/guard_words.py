"""List the words that keywords allow in a caption, by stem."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import combinations, pairwise

import snowballstemmer

from augment.ontology import above, class_key
from augment.tables import rows, words
from augment.templates import label_words

_STEMMING = threading.Lock()
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_BRACKETS = re.compile(r"\([^)]*\)")
_PARTS = re.compile(r",|/|;|\betc\b")


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters; a word with hyphens or an apostrophe is one.

    >>> words_of("A hi-hat, and the dog's bark.")
    ['a', 'hi-hat', 'and', 'the', "dog's", 'bark']
    """
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the stem of an English word, irregular plurals and pasts included.

    >>> stem("barking") == stem("barks") == stem("Bark"), stem("mice") == stem("mouse")
    (True, True)
    """
    lower = word.lower().replace("’", "'")
    with _STEMMING:
        return _stemmer().stemWord(irregular_forms().get(lower, lower))


@cache
def _stemmer() -> snowballstemmer.stemmer:
    """Return the stemmer. It stores the word that it works on in itself, so only one thread at a time may use it."""
    return snowballstemmer.stemmer("english")


@cache
def irregular_forms() -> dict[str, str]:
    """Return irregular form -> base form."""
    return {row[0]: row[1] for row in rows("irregular_forms")}


@cache
def grammar() -> dict[str, str]:
    """Return the words of grammar that any caption may hold, each with its kind. Negations and numbers are not among them."""
    return {row[0]: row[1] for row in rows("guard_grammar")}


@cache
def related(table: str) -> dict[str, frozenset[str]]:
    """Return stem of the first column -> stems that the table lists for it."""
    matches: dict[str, frozenset[str]] = {}
    for word, others in rows(table):
        matches[stem(word)] = matches.get(stem(word), frozenset()) | frozenset(map(stem, others.split()))
    return matches


def stems_of(written: Iterable[str]) -> frozenset[str]:
    """Return the stems of words, of the parts of words with hyphens, and of two words in a row written as one word."""
    given = [word.removesuffix("'s") for word in written]
    split = [part for word in given for part in word.split("-")]
    joined = map("".join, pairwise(split))
    return frozenset(map(stem, (*given, *split, *joined, *(word.replace("-", "") for word in given))))


@lru_cache(maxsize=65_536)
def names_of(keyword: str) -> tuple[tuple[str, ...], ...]:
    """Return the names in a keyword ("Gunshot, gunfire" has two), each as its words of content.

    >>> names_of("Gunshot,_gunfire"), names_of("Rattle (instrument)"), names_of("Music of Africa")
    ((('gunshot',), ('gunfire',)), (('rattle',),), (('music', 'africa'),))
    """
    parts = _PARTS.split(_BRACKETS.sub(" ", label_words(keyword)).lower())
    if parts[0] == "outside":
        parts = parts[:1]  # "rural or natural" says where outside, and is no name
    names = (tuple(word for word in words_of(part) if word not in grammar()) for part in parts)
    return tuple(name for name in names if name) or tuple(tuple(words_of(part)) for part in parts if _WORD.search(part))


@lru_cache(maxsize=16_384)
def own_words(keyword: str) -> frozenset[str]:
    """Return the stems of all words of a keyword, those in brackets included, and of their synonyms."""
    own = stems_of(words_of(label_words(keyword)))
    return own.union(*(related("guard_synonyms").get(word, ()) for word in own))


@lru_cache(maxsize=16_384)
def brought_by(keywords: tuple[str, ...]) -> frozenset[str]:
    """Return every word that keywords bring: their own, synonyms, and what `guard_supports.tsv` lists for their words and classes."""
    brought = list(dict.fromkeys(word for keyword in keywords for word in words_of(label_words(keyword))))
    full = {*brought, *(synonym for word in brought for synonym in synonyms_of(word))}
    stems = set(map(stem, full))
    classes = {key for keyword in keywords for key in (class_key(keyword), *above(keyword))}
    for key, supported in rows("guard_supports"):
        if key[1:] in classes if key[0] == "*" else stems.issuperset(map(stem, key.split())):
            full |= set(supported.split())
    return frozenset(full)


@lru_cache(maxsize=16_384)
def allowed_stems(keywords: tuple[str, ...]) -> frozenset[str]:
    """Return the stems of the words of content that keywords allow in a caption: `brought_by` them, and the fillers."""
    pairs = frozenset().union(*(stems_of(words_of(label_words(keyword))) for keyword in keywords))
    return pairs | frozenset(map(stem, brought_by(keywords) | words("guard_fillers")))


def is_allowed(word: str, allowed: frozenset[str]) -> bool:
    """Return whether a word of a caption is allowed, or all of its parts between hyphens are."""
    return (
        stem(word) in allowed
        or stem(word.replace("-", "")) in allowed
        or ("-" in word and all(stem(part) in allowed for part in word.split("-")))
    )


def belong_together(first: str, second: str, keywords: Sequence[str]) -> bool:
    """Return whether two stems stand in one keyword, themselves or as synonyms: "tire squeal", "car passing by"."""
    return any({first, second} <= own_words(keyword) for keyword in keywords)


def follow_each_other(first: str, second: str, keywords: Sequence[str]) -> bool:
    """Return whether two stems are one thing in this order: "smoke alarm", "car engine", "female person"."""
    for keyword in keywords:
        spelled = [(stem(word), *map(stem, synonyms_of(word))) for word in words_of(label_words(keyword))]
        if any(first in earlier and second in later for earlier, later in combinations(spelled, 2)):
            return True
        if first in own_words(keyword) and second in _supported(keyword) - own_words(keyword):
            return True
    return False


@lru_cache(maxsize=16_384)
def _supported(keyword: str) -> frozenset[str]:
    return frozenset(map(stem, brought_by((keyword,))))


def synonyms_of(word: str) -> tuple[str, ...]:
    """Return the words that `guard_synonyms.tsv` lists for a word.

    >>> synonyms_of("waves")
    ('surf', 'waves', 'wave')
    """
    return _synonyms().get(stem(word), ())


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    """Return stem of a word -> its synonyms as they are written."""
    matches: dict[str, tuple[str, ...]] = {}
    for word, others in rows("guard_synonyms"):
        matches[stem(word)] = (*matches.get(stem(word), ()), *others.split())
    return {word: tuple(dict.fromkeys(others)) for word, others in matches.items()}
