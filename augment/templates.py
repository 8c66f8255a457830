"""Write the caption template of LAION-Audio-630K for labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from augment.class_names import CLASS_NAMES
from augment.clean import clean_text
from augment.tables import words
from pipeline.records import TEMPLATE_LABELS

MAX_CHARACTERS = 100  # of a label; a longer one is a text, and no name
ACRONYM_LENGTH = 5  # letters; a longer word in capitals is an ordinary word in capitals
_PLACES = ("inside, ", "outside, ", "channel, ")  # what follows says which
_UNUSUAL = re.compile(r"[<>&@{}\[\]\\]|//|www\.|^\s*/|[^\x20-\x7e]")
_MID = re.compile(r"\s*/[a-z]/\w+\s*")
_LETTERS = re.compile(r"[^\W\d_]+")


def template(labels: Sequence[str], max_labels: int = TEMPLATE_LABELS) -> str | None:
    """Return the caption of Wu et al. 2023, section 2: "The sound of label-1, label-2, ..., and label-n"; `None` without labels.

    The first labels stand in their order; a label that is repeated, whatever its case, stands once. Names of classes that list synonyms
    are joined by "or".

    >>> template(["Dog"])
    'The sound of dog.'
    >>> template(["Gunshot,_gunfire", "Siren"])
    'The sound of gunshot or gunfire and siren.'
    >>> template(["Speech", "Chirp_and_tweet", "Music of Africa"])
    'The sound of speech, chirp and tweet, and music of Africa.'
    >>> template([]) is None
    True
    """
    return _of_labels(tuple(labels), max_labels)


@lru_cache(maxsize=65_536)  # most clips of a large set share their labels with others
def _of_labels(labels: tuple[str, ...], max_labels: int) -> str | None:
    distinct: dict[str, str] = {}
    for name in filter(None, map(label_words, labels)):
        distinct.setdefault(name.casefold(), name)
    names = list(map(_with_or, distinct.values()))[:max_labels]
    if not names:
        return None
    if len(names) > 2:
        names = [", ".join(names[:-1]) + ",", names[-1]]
    return f"The sound of {' and '.join(names)}".removesuffix(".") + "."


def _with_or(name: str) -> str:
    """Return the name of a class with "or" before its last synonym; "etc" gets its full stop where it stands inside of a sentence.

    >>> [_with_or(name) for name in ("waves, surf", "boat, water vehicle", "bee, wasp, etc", "inside, small room", "dogs, foxes")]
    ['waves or surf', 'boat or water vehicle', 'bee, wasp, etc.', 'inside, small room', 'dogs, foxes']
    """
    if name.endswith(", etc"):
        return name + "."
    known = name.casefold()
    if known not in CLASS_NAMES or known.startswith(_PLACES) or ", and " in known or "(" in name.partition(", ")[0]:
        return name
    first, _, last = name.rpartition(", ")
    return f"{first} or {last}"


@lru_cache(maxsize=65_536)  # vocabularies are small, and every clip uses some of their labels
def label_words(label: str) -> str:
    """Return a label as words of a sentence, with capitals only in names and acronyms; empty when it has no letter or digit.

    >>> [label_words(label) for label in ("dog_bark", "Telephone dialing, DTMF", "FRENCH HORN", "Boat, Water vehicle", "_")]
    ['dog bark', 'telephone dialing, DTMF', 'French horn', 'boat, water vehicle', '']
    """
    if _UNUSUAL.search(label):
        label = _without_markup(label)
    if len(label) > MAX_CHARACTERS or _MID.fullmatch(label):
        return ""
    text = " ".join(label.replace("_", " ").replace("|", " ").split())
    text = re.sub(r"\s+,", ",", text).strip(" ,;:.")
    if not re.search(r"[^\W_]", text):
        return ""
    all_capitals = text.isupper() and (" " in text or len(text) > ACRONYM_LENGTH)
    lowered = _LETTERS.sub(lambda match: _word(match[0], all_capitals), text)
    return _proper_phrases().sub(lambda match: match[0].title(), lowered)


def _without_markup(label: str) -> str:
    """Return a label without markup, addresses, marks of direction and width, and the brackets and quotes of lists in text form.

    >>> _without_markup("<b>Dog</b>"), _without_markup("https://example.org/dog.wav"), _without_markup("['Dog']"), _without_markup("{}")
    ('Dog', '', 'Dog', '')
    """
    bare = label.strip()
    if bare[:1] in ("[", "{"):
        bare = bare.strip("[]{}\"' ")
    return bare if bare.isalpha() else clean_text(bare)  # a single letter of other scripts may be a word


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
