"""Write the caption template of LAION-Audio-630K for labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from augment.tables import words

ACRONYM_LENGTH = 5  # letters; a longer word in capitals is an ordinary word in capitals
_LETTERS = re.compile(r"[^\W\d_]+")


def template(labels: Sequence[str]) -> str | None:
    """Return the caption of Wu et al. 2023, section 2: "The sound of label-1, label-2, ..., and label-n"; `None` without labels.

    Labels stay in their order; a repeated label is left out.

    >>> template(["Dog"])
    'The sound of dog.'
    >>> template(["Gunshot,_gunfire", "Siren"])
    'The sound of gunshot, gunfire and siren.'
    >>> template(["Speech", "Chirp_and_tweet", "Music of Africa"])
    'The sound of speech, chirp and tweet, and music of Africa.'
    >>> template([]) is None
    True
    """
    return _of_labels(tuple(labels))


@lru_cache(maxsize=65_536)  # most clips of a large set share their labels with others
def _of_labels(labels: tuple[str, ...]) -> str | None:
    names = list(dict.fromkeys(filter(None, map(label_words, labels))))
    if not names:
        return None
    if len(names) == 1:
        return f"The sound of {names[0]}."
    if len(names) == 2:
        return f"The sound of {names[0]} and {names[1]}."
    return f"The sound of {', '.join(names[:-1])}, and {names[-1]}."


@lru_cache(maxsize=65_536)  # vocabularies are small, and every clip uses some of their labels
def label_words(label: str) -> str:
    """Return a label as words of a sentence, with capitals only in names and acronyms; empty when it has no letter or digit.

    >>> [label_words(label) for label in ("dog_bark", "Telephone dialing, DTMF", "FRENCH HORN", "Boat, Water vehicle", "_")]
    ['dog bark', 'telephone dialing, DTMF', 'French horn', 'boat, water vehicle', '']
    """
    text = " ".join(label.replace("_", " ").replace("|", " ").split())
    text = re.sub(r"\s+,", ",", text).strip(" ,;:.")
    if not re.search(r"[^\W_]", text):
        return ""
    all_capitals = text.isupper() and (" " in text or len(text) > ACRONYM_LENGTH)
    lowered = _LETTERS.sub(lambda match: _word(match[0], all_capitals), text)
    return _proper_phrases().sub(lambda match: match[0].title(), lowered)


def _word(word: str, all_capitals: bool) -> str:
    """Return a word of a label in lower case, unless it is a name or an acronym; `all_capitals`: the label has no small letter."""
    if word.capitalize() in words("proper_words"):
        return word.capitalize()
    if len(word) == 1:
        return "a" if word == "A" else word  # "C major", "vitamin C", but "a capella"
    mixed = not word.islower() and not word.isupper() and word[1:] != word[1:].lower()
    acronym = word.isupper() and len(word) <= ACRONYM_LENGTH
    return word if (mixed or acronym) and not all_capitals else word.lower()


@cache
def _proper_phrases() -> re.Pattern:
    """Return a pattern of the names that have several words, in lower case."""
    phrases = sorted(re.escape(name.lower()) for name in words("proper_words") if " " in name)
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")
