"""Labels -> the caption template of LAION-Audio-630K."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from augment.tables import words

ACRONYM_LENGTH = 5  # letters; a longer word in capitals is a word somebody shouted
_LETTERS = re.compile(r"[^\W\d_]+")


def template(labels: Sequence[str]) -> str | None:
    """Return the caption of Wu et al. 2023, section 2: "The sound of label-1, label-2, ..., and label-n"; `None` without labels.

    Labels keep their order; one that says the same as an earlier one is left out.

    >>> template(["Dog"])
    'The sound of dog.'
    >>> template(["Gunshot,_gunfire", "Siren"])
    'The sound of gunshot, gunfire and siren.'
    >>> template(["Speech", "Chirp_and_tweet", "Music of Africa"])
    'The sound of speech, chirp and tweet, and music of Africa.'
    >>> template([]) is None
    True
    """
    named = list(dict.fromkeys(name for name in map(label_words, labels) if name))
    if not named:
        return None
    if len(named) == 1:
        return f"The sound of {named[0]}."
    if len(named) == 2:
        return f"The sound of {named[0]} and {named[1]}."
    return f"The sound of {', '.join(named[:-1])}, and {named[-1]}."


@lru_cache(maxsize=65_536)  # vocabularies are small, and every clip names some of them
def label_words(label: str) -> str:
    """Return a label as words of running text, with capitals only where English wants them; empty when it has no letter or digit.

    >>> [label_words(label) for label in ("dog_bark", "Telephone dialing, DTMF", "FRENCH HORN", "Boat, Water vehicle", "_")]
    ['dog bark', 'telephone dialing, DTMF', 'French horn', 'boat, water vehicle', '']
    """
    text = " ".join(label.replace("_", " ").replace("|", " ").split())
    text = re.sub(r"\s+,", ",", text).strip(" ,;:.")
    if not re.search(r"[^\W_]", text):
        return ""
    shouted = text.isupper() and (" " in text or len(text) > ACRONYM_LENGTH)
    lowered = _LETTERS.sub(lambda match: _word(match[0], shouted), text)
    return _proper_phrases().sub(lambda match: match[0].title(), lowered)


def _word(word: str, shouted: bool) -> str:
    """Return one word of a label in its case: names and acronyms keep theirs, everything else is lowered."""
    if word.capitalize() in words("proper_words"):
        return word.capitalize()
    if len(word) == 1:
        return "a" if word == "A" else word  # "C major", "vitamin C", but "a capella"
    mixed = not word.islower() and not word.isupper() and word[1:] != word[1:].lower()
    acronym = word.isupper() and len(word) <= ACRONYM_LENGTH
    return word if (mixed or acronym) and not shouted else word.lower()


@cache
def _proper_phrases() -> re.Pattern:
    """Return a pattern of the names that are more than one word, in lower case."""
    phrases = sorted(re.escape(name.lower()) for name in words("proper_words") if " " in name)
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")
