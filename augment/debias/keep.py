"""Mark the words of gender that say nothing about a person: in names, titles, set phrases, quotations, of animals and plugs."""

from __future__ import annotations

import re
from functools import cache

from augment.debias.animals import SEXES, keep_animals
from augment.debias.caption_editor import WORD, CaptionEditor, plain
from augment.debias.verbs import determiners
from augment.tables import rows, words

_OPENING = re.compile('["“„«]')
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]*)[\"”“»]")
_NAMING = frozenset({"lady", "mother", "father", "brother", "sister", "papa", "mama", "granny", "dame"})
_ONLY_WITH_DETERMINER = frozenset({"son", "sons", "dude", "gal"})  # "son" is also Spanish and French, "dude" is also an exclamation
KIN = frozenset({
    "mom", "mum", "mommy", "mummy", "mama", "mother", "dad", "daddy", "papa", "father", "grandma", "granny", "grandmother", "grandpa",
    "granddad", "grandfather",
})  # fmt: skip
"""Words for parents that stand like a name: a capital is then no sign of one."""
_NEAR = 4
"""Words between "than" and the persons that it compares."""
_MOSTLY = 0.6  # share of capitalised words above which the text is a title, where a capital is no sign of a name


def is_english(lower: list[str]) -> bool:
    """Return whether a text has at least as many English words of grammar as common words of other languages.

    >>> is_english("a man speaks".split()), is_english("der hund und das kind, he".split())
    (True, False)
    """
    foreign, english = words("foreign_words"), words("function_words")
    if foreign.isdisjoint(lower):
        return True
    return sum(word in foreign for word in lower) <= sum(word in english for word in lower)


def keep(editor: CaptionEditor) -> None:
    """Mark the words of a caption that must not change."""
    phrases, watched = _phrases(), _watched()
    for index, word in enumerate(editor.lower):
        if word not in watched:
            continue
        before, after = editor.at(index - 1), editor.at(index + 1)
        for pair in ((word,), (word, after), (before, word)):
            for phrase, offset in phrases.get(pair, ()):
                start = index - offset
                if start >= 0 and tuple(editor.lower[start : start + len(phrase)]) == phrase and _unbroken(editor, start, len(phrase)):
                    editor.kept[start : start + len(phrase)] = [True] * len(phrase)
        if word in SEXES and after in words("debias_species") and editor.follows(index + 1):
            editor.kept[index] = True
        if word in _ONLY_WITH_DETERMINER and not _introduced(editor, index):
            editor.kept[index] = True
        if word == "man" and before == "to" and after == "the":
            editor.kept[index] = True  # to man the guns
    _keep_names(editor)
    _keep_quotations(editor)
    keep_animals(editor)
    _keep_comparisons(editor)


def keep_voices(editor: CaptionEditor) -> None:
    """Mark the words of gender that say how a voice sounds: "male voice", "a woman's laughter", boys and girls."""
    followers = words("debias_voices")
    for index, word in enumerate(editor.lower):
        base = word.removesuffix("'s")
        if base in ("boy", "boys", "girl", "girls"):
            editor.kept[index] = True
        elif base in ("male", "female") or (base != word and base in ("man", "woman", "men", "women")):
            end = index + 1
            while editor.follows(end) and editor.at(end) in words("person_adjectives") | {"and", "or", "male", "female", "adult", "child"}:
                end += 1
            if editor.follows(end) and editor.at(end) in followers:
                editor.kept[index] = True


def _keep_comparisons(editor: CaptionEditor) -> None:
    """Keep what "more like a woman than a man" compares: neutral, it would say nothing."""
    for index, word in enumerate(editor.lower):
        if word == "than" and "like" in editor.lower[max(0, index - _NEAR) : index]:
            near = range(max(0, index - _NEAR), min(index + _NEAR, len(editor.words)))
            editor.kept[near.start : near.stop] = [True] * len(near)


def _introduced(editor: CaptionEditor, index: int) -> bool:
    """Return whether a determiner, an adjective of persons, "and", "or" or "with" stands before a word."""
    before = editor.at(index - 1)
    return editor.follows(index) and (before in ("and", "or", "with") or before in determiners() or before in words("person_adjectives"))


def _unbroken(editor: CaptionEditor, start: int, length: int) -> bool:
    """Return whether only blanks, hyphens and apostrophes stand between the words of a phrase."""
    return all(gap.strip() in ("", "-", "'", "’") for gap in editor.gaps[start + 1 : start + length])


@cache
def _watched() -> frozenset[str]:
    """Return the words of gender that a rule of `keep` is about."""
    return SEXES | _ONLY_WITH_DETERMINER | {"man"} | {phrase[index] for phrases in _phrases().values() for phrase, index in phrases}


@cache
def _phrases() -> dict[tuple[str, ...], tuple[tuple[tuple[str, ...], int], ...]]:
    """Return two words -> the phrases that hold both, each with the index of the word of gender in it.

    The two are the word of gender and the word after it or, at the end of a phrase, the word before it. A phrase of one word stands alone.
    """
    phrases_of: dict[tuple[str, ...], list[tuple[tuple[str, ...], int]]] = {}
    gendered = {word for row in rows("debias_nouns") for word in row[1:3]}
    for phrase in words("debias_keep"):
        parts = tuple(plain(word) for word in WORD.findall(phrase))
        for index, part in enumerate(parts):
            if part.removesuffix("'s") in gendered or part.removesuffix("s") in gendered or len(parts) == 1:
                pair = parts[index : index + 2] if index + 1 < len(parts) else parts[-2:]
                phrases_of.setdefault(pair, []).append((parts, index))
    return {pair: tuple(phrases) for pair, phrases in phrases_of.items()}


def _keep_names(editor: CaptionEditor) -> None:
    """Keep capitalised words inside a sentence ("the Old Man of Hoy"), unless most words of the text have capitals."""
    if editor.words[1:] == editor.lower[1:]:  # no capital inside of the caption, as in most
        return
    inner = [word for word in editor.words[1:] if len(word) > 3]
    if not inner or sum(word[0].isupper() for word in inner) > _MOSTLY * len(inner):
        return
    for index, word in enumerate(editor.words):
        if not word[0].isupper() or len(word) == 1:
            continue
        begins = index == 0 or bool(re.search(r"[.!?:;(\"“\-|]", editor.gaps[index]))
        next_is_name = index + 1 < len(editor.words) and editor.words[index + 1][0].isupper() and editor.follows(index + 1)
        is_kin = editor.lower[index] in KIN and not next_is_name and not editor.words[index - 1][0].isupper()
        if (not begins and not is_kin) or (editor.lower[index] in _NAMING and next_is_name):
            editor.kept[index] = True


def _keep_quotations(editor: CaptionEditor) -> None:
    """Keep words in quotation marks, unless the complete text is quoted: they are a title, or speech."""
    if not _OPENING.search("".join(editor.gaps)):
        return
    text = editor.text()
    spans = [match.span() for match in _QUOTED.finditer(text) if match.end() - match.start() < len(text.strip(" ."))]
    position = 0
    for index, word in enumerate(editor.words):
        position += len(editor.gaps[index])
        if any(start < position < stop for start, stop in spans):
            editor.kept[index] = True
        position += len(word)
