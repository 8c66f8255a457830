"""Replace words of gender in a caption by neutral words, and list the changes.

The tables in `augment/data` list the words; the modules in this folder decide when they change. The steps: mark what must not
change, then replace set phrases, pairs of persons, nouns and adjectives, pronouns with their verbs, and articles.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import cache, lru_cache

from augment.debias.caption_editor import WORD, CaptionEditor, Change, plain
from augment.debias.keep import is_english, keep, keep_voices
from augment.debias.kinship import introduce_kin
from augment.debias.nouns import noun_forms, nouns, replace_nouns
from augment.debias.pairs import merge_pairs
from augment.debias.pronouns import replace_pronouns
from augment.tables import rows
from pipeline.records import DebiasLevel

__all__ = ["Change", "Debiased", "debias"]

_PRONOUNS = frozenset({"he", "she", "him", "her", "his", "hers", "himself", "herself"})
_LETTERS = {code: chr(code) if chr(code) in string.ascii_lowercase else " " for code in range(128)}
"""For `str.translate`: everything but small letters becomes a blank."""
_SILENT_H = ("hour", "honest", "honour", "honor", "heir")
_Y_OR_W = ("uni", "use", "usu", "euro", "one", "ukr", "uk", "eul", "ut")


@dataclass(frozen=True, slots=True)
class Debiased:
    """A caption after de-biasing. `text` equals the given text when `changes` is empty."""

    text: str
    changes: tuple[Change, ...] = ()


def debias(text: str, level: DebiasLevel = "full") -> Debiased:
    """Replace words of gender by neutral words and correct the grammar around them; a second call changes nothing.

    Text that is not English stays unchanged.

    >>> debias("A woman talks to her dog while he barks").text
    'A person talks to their dog while they bark'
    >>> debias("A man and a woman is speaking to an actress").text
    'Two people are speaking to an actor'
    >>> debias("A male voice and a woman talking", "voices kept").text
    'A male voice and a person talking'
    >>> debias("A manual typewriter on the Isle of Man")
    Debiased(text='A manual typewriter on the Isle of Man', changes=())
    """
    return _rewritten(text, level) if has_gendered(text) else Debiased(text)


def has_gendered(text: str) -> bool:
    """Return whether a text has a word that some rule may change. Most texts have none, and are done with this.

    >>> has_gendered("A woman's voice"), has_gendered("A manual typewriter"), has_gendered("Her dog, his cat")
    (True, False, True)
    """
    if text.isascii() and _first_letters().isdisjoint(text.lower().translate(_LETTERS).split()):
        return False
    return not gendered().isdisjoint(WORD.findall(plain(text)))


@lru_cache(1 << 14)  # templates over the same labels, and titles of one pack, come again and again
def _rewritten(text: str, level: DebiasLevel) -> Debiased:
    """Return a text that has words of gender after all rules."""
    editor = CaptionEditor.of(text)
    if not is_english(editor.lower):
        return Debiased(text)
    keep(editor)
    if level == "voices kept":
        keep_voices(editor)
    _mend_typing(editor)
    _replace_phrases(editor)
    introduce_kin(editor)
    merge_pairs(editor)
    replace_nouns(editor)
    replace_pronouns(editor)
    _mend_articles(editor)
    return Debiased(editor.text(), tuple(editor.changes)) if editor.changes else Debiased(text)


@cache
def gendered() -> frozenset[str]:
    """Return every word that some rule may change, in all its forms; a text without any of them stays unchanged."""
    return noun_forms() | {word + ending for word in _PRONOUNS for ending in ("", "'s", "'ll", "'d")}


@cache
def _first_letters() -> frozenset[str]:
    """Return what stands in the words of `gendered` before their first hyphen or apostrophe, all of it letters."""
    return frozenset(re.split("[-']", word)[0] for word in gendered())


@cache
def _phrases() -> dict[tuple[str, ...], list[tuple[tuple[str, ...], str, str, str]]]:
    """Return two words -> the set phrases that begin with them, longest first, as (words, gap between them, neutral words, rule)."""
    phrases: dict[tuple[str, ...], list[tuple[tuple[str, ...], str, str, str]]] = {}
    for rule, before, after in sorted(rows("debias_phrases"), key=lambda row: -len(row[1])):
        phrase = tuple(WORD.findall(before))
        phrases.setdefault(phrase[:2], []).append((phrase, "/" if "/" in before else " ", after, rule))
    return phrases


def _replace_phrases(editor: CaptionEditor) -> None:
    """Replace the set phrases of a caption, whose words change only together."""
    index, phrases = 0, _phrases()
    while index + 1 < len(editor.words):
        for phrase, gap, after, rule in phrases.get((editor.lower[index], editor.lower[index + 1]), ()):
            stop = index + len(phrase)
            matches = tuple(editor.lower[index:stop]) == phrase and set(editor.gaps[index + 1 : stop]) == {gap}
            if matches and not any(editor.kept[index:stop]):
                editor.replace(index, stop, after, rule)
                break
        index += 1


def _mend_typing(editor: CaptionEditor) -> None:
    """Correct "I man speaks", where "A" was meant: it is beside it on no keyboard, but in many captions."""
    if len(editor.words) > 1 and editor.lower[0] == "i" and editor.at(1) in nouns() and not nouns()[editor.at(1)].is_plural:
        editor.replace(0, 1, "A", "article")


def _mend_articles(editor: CaptionEditor) -> None:
    """Correct "a" and "an" before words that were changed."""
    for index in range(1, len(editor.words)):
        article = editor.lower[index - 1]
        if article in ("a", "an") and editor.touched[index] and editor.follows(index):
            wanted = "an" if _sounds_like_a_vowel(editor.lower[index]) else "a"
            if wanted != article:
                editor.replace(index - 1, index, wanted, "article")


def _sounds_like_a_vowel(word: str) -> bool:
    """Return whether the article of a word is "an".

    >>> [_sounds_like_a_vowel(word) for word in ("actor", "person", "hour", "university", "unknown")]
    [True, False, True, False, True]
    """
    return word.startswith(_SILENT_H) or (word[0] in "aeiou" and not word.startswith(_Y_OR_W)) or word.startswith("unid")
