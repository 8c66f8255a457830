"""See whether the words of a caption may follow each other: "the is" and "a music" may not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from augment.guard_tokens import MODIFIER, NO_PARTICIPLES, NOUN, SURROUNDINGS, VERB, Token, is_verb
from augment.guard_words import stem
from augment.tables import words

PRESENTING = frozenset({"this", "that", "these", "those", "it", "there", "here"})
_RELATIVE = frozenset({"that", "which", "who"})
_NEVER_AFTER = {
    NOUN: ("article", "pronoun"),
    "preposition": ("preposition", "conjunction", "auxiliary", "adverb", VERB, "comma"),
    "conjunction": ("conjunction", "comma", "auxiliary", "preposition"),
}


def is_out_of_order(tokens: Sequence[Token]) -> bool:
    """Return whether words follow each other that cannot: "the is", "bark a dog", or two verbs in a clause: "a dog barks is heard"."""
    n_finite = 0
    for index, token in enumerate(tokens):
        if token.part in ("conjunction", "comma") or token.word in _RELATIVE:
            n_finite = 0
        n_finite += token.part == "auxiliary" or (token.part == VERB and not _is_part_of_verb(tokens, index))
        if n_finite > 1:
            return True
        counted = token.part == NOUN and _has_plural_form(token.word) and token.word not in words("guard_mass")
        if counted and token.stem in _mass_stems():
            return True
        if index and _cannot_follow(tokens[index - 1], token, tokens[index + 1].part if index + 1 < len(tokens) else ""):
            return True
    return False


def _cannot_follow(last: Token, token: Token, following: str) -> bool:
    """Return whether a word cannot stand after another, and before one of the part `following`."""
    if last.word in ("a", "an"):
        is_counted = token.part != NOUN or following == NOUN or not (_is_mass(token.word) or _has_plural_form(token.word))
        if last.word != article_of(token.word) or not is_counted:
            return True
    if last.part == MODIFIER or (last.part == "article" and last.word not in PRESENTING):
        return token.part not in (NOUN, MODIFIER)
    if last.word in SURROUNDINGS and token.part in (NOUN, MODIFIER, "article"):
        return True
    return token.part in _NEVER_AFTER.get(last.part, ()) and token.word not in _RELATIVE


def is_broken_off(tokens: Sequence[Token]) -> bool:
    """Return whether a sentence ends with a word that something must follow, or lacks a verb after "while" or "a person speaks and"."""
    if tokens[-1].part in ("article", "conjunction", "preposition", "comma", MODIFIER) and tokens[-1].word not in (*PRESENTING, "by"):
        return True
    for index, token in enumerate(tokens):
        clause = tokens[index + 1 :]
        if token.word in ("while", "whilst", "as") and not any(later.part == VERB for later in clause):
            return True
    conjunctions = [index for index, token in enumerate(tokens) if token.part == "conjunction"]
    after = tokens[conjunctions[-1] :] if conjunctions else ()
    return bool(after) and tokens[conjunctions[-1] - 1].part == VERB and not any(token.part == VERB for token in after)


def _is_part_of_verb(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a verb depends on a word before it: "is barking", "a dog barking"."""
    before = next((token.part for token in reversed(tokens[:index]) if token.part != "adverb"), "")
    return before == "auxiliary" or tokens[index].word.endswith("ing")


def _has_plural_form(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is", "lens", "bagpipes"))


def _is_mass(noun: str) -> bool:
    """Return whether a noun is not counted: "rain", and what is done: "singing"."""
    return noun in words("guard_mass") or (noun.endswith("ing") and noun not in NO_PARTICIPLES and is_verb(noun))


@cache
def _mass_stems() -> frozenset[str]:
    return frozenset(map(stem, words("guard_mass")))


def article_of(word: str) -> str:
    """Return "a" or "an", as a word takes it.

    >>> article_of("engine"), article_of("ukulele"), article_of("hour")
    ('an', 'a', 'an')
    """
    return "an" if re.match(r"(?!(?:uni|uku|use|eu|one\b))[aeiou]|hour|honest", word) else "a"
