"""Put verbs into the plural after subjects that became "they" or "two people"."""

from __future__ import annotations

import re
from functools import cache

from augment.debias.caption_editor import CaptionEditor
from augment.tables import rows, words

AUXILIARIES = {
    "is": "are", "was": "were", "has": "have", "does": "do", "isn't": "aren't", "wasn't": "weren't", "hasn't": "haven't",
    "doesn't": "don't", "isnt": "aren't", "wasnt": "weren't", "doesnt": "don't",
}  # fmt: skip
_NOT_VERBS = frozenset({"this", "its", "his", "thus", "yes", "upstairs", "downstairs", "outdoors", "indoors"})
"""Words in "s" that are neither verbs nor adverbs nor in `function_words`."""
_ADVERBS = frozenset({"also", "then", "just", "still", "now", "never", "always", "often", "again", "soon", "sometimes", "only"})
_LINKS = frozenset({"and", "or", "but", "then"})
_SUBORDINATE = frozenset({
    "as", "while", "when", "before", "after", "followed", "who", "that", "which", "because", "if", "until", "though", "where", "with",
    "to",
})  # fmt: skip


def plural_form(verb: str) -> str:
    """Return the plural of a verb in the third person singular.

    >>> [plural_form(verb) for verb in ("speaks", "approaches", "cries", "sneezes", "goes", "dies", "is", "buzzes", "echoes")]
    ['speak', 'approach', 'cry', 'sneeze', 'go', 'die', 'are', 'buzz', 'echo']
    """
    if verb in AUXILIARIES:
        return AUXILIARIES[verb]
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if verb.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")) and verb != "aches":
        return verb[:-2]
    return verb[:-1]


def third_person(verb: str) -> str:
    """Return the third person singular of a verb.

    >>> [third_person(verb) for verb in ("speak", "watch", "cry", "play", "go")]
    ['speaks', 'watches', 'cries', 'plays', 'goes']
    """
    if verb.endswith(("ss", "sh", "ch", "x", "zz", "o")):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


@cache
def singular_verbs() -> frozenset[str]:
    """Return the third person singular of every verb in `verbs.tsv`, and the auxiliaries."""
    return frozenset(map(third_person, words("verbs"))) | frozenset(AUXILIARIES)


@cache
def function_words() -> frozenset[str]:
    """Return the words of grammar that are no determiners: they can follow an object or end a noun phrase."""
    return frozenset(
        word for word, kind in rows("function_words") if kind in ("preposition", "conjunction", "pronoun", "auxiliary", "adverb")
    )


@cache
def determiners() -> frozenset[str]:
    """Return articles, numbers, quantities, demonstratives and possessives."""
    kinds = ("article", "number", "quantity", "demonstrative", "possessive")
    return frozenset(word for word, kind in rows("function_words") if kind in kinds)


def is_adverb(word: str) -> bool:
    """Return whether a word may stand between a subject and its verb."""
    return (word.endswith("ly") and word not in words("verbs")) or word in _ADVERBS


def agree(editor: CaptionEditor, start: int, known: bool) -> None:
    """Put the verb at `start`, and the verbs joined to it, into the plural; with `known` only a verb from the table.

    Verbs behind a word that begins a subordinate clause, or behind a mark other than a comma, have another subject.
    """
    index = _skip_adverbs(editor, start)
    if not editor.follows(index) or not _pluralise(editor, index, known):
        return
    while index + 1 < len(editor.words):
        index += 1
        if editor.lower[index] in _SUBORDINATE or re.search(r"[.;:!?()]", editor.gaps[index]):
            return
        if editor.lower[index] in _LINKS or editor.gaps[index].strip() == ",":
            while editor.at(index) in _LINKS:
                index += 1
            index = _skip_adverbs(editor, index)
            if not _joined_verb(editor, index) or not _pluralise(editor, index, True):
                return


def _skip_adverbs(editor: CaptionEditor, index: int) -> int:
    """Return the index of the first word from `index` on that is no adverb."""
    while is_adverb(editor.at(index)):
        index += 1
    return index


def _joined_verb(editor: CaptionEditor, index: int) -> bool:
    """Return whether the word is a further verb of the same subject, and not the noun of another ("and whistles blow")."""
    after = editor.at(index + 1)
    return editor.at(index) in singular_verbs() and after not in AUXILIARIES.values() and after not in words("verbs")


def _pluralise(editor: CaptionEditor, index: int, known: bool) -> bool:
    """Put the verb at `index` into the plural; return whether the word there can be the verb of the subject."""
    word = editor.at(index)
    if word in singular_verbs() or (not known and re.search(r"[^s']s$", word) and word not in _NOT_VERBS and word not in function_words()):
        editor.replace(index, index + 1, plural_form(word), "agreement")
        return True
    return bool(word) and word not in function_words()
