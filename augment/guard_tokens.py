"""Tell nouns from verbs in a caption: enough for the sentences that captions of sounds are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from augment.guard_words import grammar, irregular_forms, stem
from augment.tables import words

NOUN, VERB, MODIFIER = "noun", "verb", "modifier"
SURROUNDINGS = frozenset({"inside", "outside", "indoors", "outdoors"})
NO_PARTICIPLES = frozenset({"morning", "evening", "ceiling", "building", "string", "spring", "lightning", "something", "wedding"})
EMPTY_VERBS = frozenset(map(stem, ("hear", "record", "sound", "make", "produce")))
"""Verbs that say that there is a sound; whatever can be heard can do that."""

_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[,;:–—]")
_PLURALS = frozenset({"people", "men", "women", "children", "mice", "geese", "feet", "cattle", "sheep"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a caption, or a comma, with its stem and part: `noun`, `verb`, `modifier`, or its kind in `guard_grammar.tsv`."""

    word: str
    stem: str
    part: str


def parse(caption: str) -> list[Token]:
    """Return the words of a caption with their parts. Words that may be a noun or a verb differ by the word before them.

    >>> [token.part for token in parse("A fly buzzes")], [token.part for token in parse("Planes fly")]
    (['article', 'noun', 'verb'], ['noun', 'verb'])
    """
    spelled = re.sub(r"(\w)['’]s (?=(?:an?|the|\w+ing)\b)", r"\1 is ", caption.lower())
    spelled = spelled.replace("can be heard", "is heard")
    texts = [text.replace("’", "'").removesuffix("'s") for text in _TOKEN.findall(spelled)]
    tokens: list[Token] = []
    for index, text in enumerate(texts):
        following = texts[index + 1] if index + 1 < len(texts) else ""
        kind = "comma" if not text[0].isalnum() else "adverb" if text in SURROUNDINGS else grammar().get(text)
        tokens.append(Token(text, stem(text), kind or _part(text, tokens, following)))
    return tokens


def _part(text: str, before: Sequence[Token], following: str) -> str:
    """Return whether a word of content is a noun, a verb or a modifier of the noun that follows."""
    last = next((token for token in reversed(before) if token.part != "adverb"), None)
    participle = _is_participle(text)
    content_follows = following[:1].isalnum() and following not in grammar()
    if last is None or last.part in ("comma", "article", "preposition", MODIFIER):
        return MODIFIER if participle and content_follows and not _is_finite(following) else NOUN
    if last.part == "auxiliary":
        return VERB if participle else NOUN
    if last.part == "conjunction":
        if participle and not content_follows and any(token.part == VERB for token in before):
            return VERB
        shares = any(token.part == VERB for token in before) and not content_follows and last.word == "and"
        return VERB if shares and _is_finite(text) else MODIFIER if participle and content_follows else NOUN
    if last.part == VERB:
        return VERB if text.endswith("ing") and participle else NOUN
    if last.part == "pronoun":
        return VERB if participle or is_verb(text) else NOUN
    if participle or _is_finite(text):
        return VERB
    return VERB if is_verb(text) and _is_plural(before) else NOUN


def is_verb(text: str) -> bool:
    """Return whether any table lists a word, in any form, as a verb."""
    return stem(text) in _verbs()


def _is_participle(text: str) -> bool:
    """Return whether a word is a participle or a past form: "barking", "recorded", "heard"."""
    if text in NO_PARTICIPLES or stem(text) == text:
        return False
    regular = text.endswith(("ing", "ed")) and len(text) > 4
    return regular or (text in irregular_forms() and is_verb(text) and not text.endswith("s") and text not in ("laughter", "typewriter"))


def _is_finite(text: str) -> bool:
    """Return whether a word may be the third person of a known verb."""
    return text.endswith("s") and not text.endswith("ss") and is_verb(text)


def _is_plural(before: Sequence[Token]) -> bool:
    """Return whether the words before stand for several things: a plural, or things joined by "and"."""
    last = before[-1].word
    joined = any(token.word == "and" for token in before) and not any(token.part == VERB for token in before)
    return last in _PLURALS or (last.endswith("s") and not last.endswith("ss")) or joined


@cache
def _verbs() -> frozenset[str]:
    """Return the stems of all verbs that any table lists."""
    return frozenset(map(stem, words("verbs") | words("guard_makers") | words("guard_objects"))) | EMPTY_VERBS
