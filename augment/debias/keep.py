"""Which words of gender are no statement about a person, and stay: names, titles, set phrases, animals, plugs, quotations."""

from __future__ import annotations

import re
from functools import cache

from augment.debias.caption_editor import WORD, CaptionEditor, plain
from augment.debias.verbs import determiners
from augment.tables import rows, words

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]*)[\"”“»]")
_NAMING = frozenset({"lady", "mother", "father", "brother", "sister", "papa", "mama", "granny", "dame"})
_SEX = frozenset(
    {"male", "female", "males", "females", "mother", "father", "mothers", "fathers", "mom", "mama", "papa", "boy", "girl", "lady"}
)
_ONLY_WITH_DETERMINER = frozenset({"son", "sons", "dude", "gal"})  # "son" is also Spanish and French, "dude" an exclamation
_MOSTLY = 0.6  # share of capitalised words from which capitals are a habit of the title and not a sign of names


def is_english(lower: list[str]) -> bool:
    """Whether no other language has more of its commonest words in the text than English has of its own.

    >>> is_english("a man speaks".split()), is_english("der hund und das kind, he".split())
    (True, False)
    """
    foreign = sum(word in words("foreign_words") for word in lower)
    return not foreign or foreign <= sum(word in words("function_words") for word in lower)


def keep(draft: CaptionEditor) -> None:
    """Mark the words of a draft that stay as they are."""
    for index, word in enumerate(draft.lower):
        for phrase, offset in _phrases().get(word, ()):
            start = index - offset
            if start >= 0 and tuple(draft.lower[start : start + len(phrase)]) == phrase and _unbroken(draft, start, len(phrase)):
                draft.kept[start : start + len(phrase)] = [True] * len(phrase)
        if word in _SEX and draft.at(index + 1) in words("debias_species") and draft.follows(index + 1):
            draft.kept[index] = True
        if word in _ONLY_WITH_DETERMINER and not _introduced(draft, index):
            draft.kept[index] = True
        if word == "man" and draft.at(index - 1) == "to" and draft.at(index + 1) == "the":
            draft.kept[index] = True  # to man the guns
    _keep_names(draft)
    _keep_quotations(draft)


def _introduced(draft: CaptionEditor, index: int) -> bool:
    """Whether a determiner, an adjective of persons or "and" goes before a word."""
    before = draft.at(index - 1)
    return draft.follows(index) and (before in ("and", "or", "with") or before in determiners() or before in words("person_adjectives"))


def _unbroken(draft: CaptionEditor, start: int, length: int) -> bool:
    """Whether nothing but blanks, hyphens and apostrophes stands between the words of a phrase."""
    return all(gap.strip() in ("", "-", "'", "’") for gap in draft.gaps[start + 1 : start + length])


@cache
def _phrases() -> dict[str, tuple[tuple[tuple[str, ...], int], ...]]:
    """Return word -> the phrases it is part of, with its place in each."""
    found: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    gendered = {word for row in rows("debias_nouns") for word in row[1:3]}
    for phrase in words("debias_keep"):
        parts = tuple(plain(word) for word in WORD.findall(phrase))
        for place, part in enumerate(parts):
            if part.removesuffix("'s") in gendered or len(parts) == 1:
                found.setdefault(part, []).append((parts, place))
    return {word: tuple(phrases) for word, phrases in found.items()}


def _keep_names(draft: CaptionEditor) -> None:
    """Keep capitalised words within a sentence ("the Old Man of Hoy"), unless the whole text is written in capitals."""
    inner = [word for word in draft.words[1:] if len(word) > 3]
    if not inner or sum(word[0].isupper() for word in inner) > _MOSTLY * len(inner):
        return
    for index, word in enumerate(draft.words):
        if not word[0].isupper() or len(word) == 1:
            continue
        begins = index == 0 or bool(re.search(r"[.!?:;(\"“\-|]", draft.gaps[index]))
        next_is_name = index + 1 < len(draft.words) and draft.words[index + 1][0].isupper() and draft.follows(index + 1)
        if not begins or (draft.lower[index] in _NAMING and next_is_name):
            draft.kept[index] = True


def _keep_quotations(draft: CaptionEditor) -> None:
    """Keep what stands in quotation marks, unless that is the whole text: it is a title, or what somebody says."""
    if not any(mark in gap for gap in draft.gaps for mark in '"“„«'):
        return
    whole = draft.text()
    spans = [match.span() for match in _QUOTED.finditer(whole) if match.end() - match.start() < len(whole.strip(" ."))]
    position = 0
    for index, word in enumerate(draft.words):
        position += len(draft.gaps[index])
        if any(start < position < stop for start, stop in spans):
            draft.kept[index] = True
        position += len(word)
