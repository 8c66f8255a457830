"""Reduce the words of texts about sounds to stems, so that the forms of a word are equal."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from augment.tables import words

WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_ENDINGS = ("ings", "ing", "ers", "er", "ed", "es", "s", "y")


def content_words(lowered: str) -> list[str]:
    """Return the words of a text in small letters that are not words of grammar."""
    grammar = words("function_words")
    return [word for word in WORD.findall(lowered) if len(word) > 2 and word not in grammar]


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return a word without its ending, so that its forms are equal: the word for a sound, where it is a form of one.

    >>> stem("barking"), stem("barked"), stem("rivers"), stem("clapping"), stem("squeaky")
    ('bark', 'bark', 'river', 'clap', 'squeak')
    """
    known = words("sound_words")
    if word in known:
        return word
    for ending in _ENDINGS:
        base = word.removesuffix(ending)
        if base != word and len(base) > 2:
            for form in (base, base + "e", base[:-1] if base[-1:] == base[-2:-1] else base):
                if form in known:
                    return form
    for ending in _ENDINGS[:-1]:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word


@cache
def sounds() -> frozenset[str]:
    """Return the stems of words for sounds, for what makes them, and for where they are heard."""
    return frozenset(map(stem, words("sound_words")))


@cache
def about_recordings() -> frozenset[str]:
    """Return the stems of words about recordings, which tags hold too, and which say nothing of the sound."""
    return frozenset(map(stem, words("empty_names") | words("tag_fillers")))
