"""Turn titles, file names and descriptions of sounds into words for a caption."""

from __future__ import annotations

import re
from functools import lru_cache

from augment.clean import clean_text, cut, has_letters, lines
from augment.tables import words
from augment.templates import ACRONYM_LENGTH

_EXTENSION = re.compile(
    r"(?:\.(?:wav|wave|mp3|aiff?|aifc|flac|ogg|oga|opus|m4a|mp4|wma|aac|amr|caf|au|snd|mid|w64|rx2|webm|mov|avi|zip))+$", re.IGNORECASE
)
_INNER_FILE = re.compile(r"\([^()]*\.(?:wav|aiff?|mp3|flac|ogg)\)", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[_\s]+|(?<=\w)-(?=\d)|(?<=\d)-(?=\w)|\s-+\s|--+")
_CAMEL = re.compile(r"(?<=[A-Za-z][a-z])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})|(?<=[A-Za-z]{3})(?=\d)|(?<=\d)(?=[A-Z]?[a-z]{3})")
_NUMBER = re.compile(r"#?\d[\d.,:x~]*[a-z]?|v\d+|(?:take|tk|pt|part|ver)\d+", re.IGNORECASE)
_DIGITS = re.compile(r"\d\d")  # every date has two, and most names have none
_DATE = re.compile(r"(?<!\d)(?:(?:19|20)\d\d[-._ ]?[01]\d[-._ ]?[0-3]\d|[0-3]?\d[-._][01]?\d[-._](?:19|20)?\d\d)(?!\d)")
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9~()\[\]]+")
_LETTERS, _WORD = re.compile(r"[a-z]{3}|[A-Za-z]{4}"), re.compile(r"\w")
_NOTE = re.compile(r"[A-Ga-g][#b]?-?[0-9]")
_QUANTITY = re.compile(r"\d+(?:\.\d+)?(?:k?hz|bit|bpm|ms|sec|s|min|m|km|cm|mm|db|rpm|mph|st|nd|rd|th|s|d|am|pm)", re.IGNORECASE)
_UNITS = frozenset(
    {"bpm", "hz", "khz", "bit", "sec", "seconds", "minutes", "meters", "metres", "rpm", "times", "bar", "bars", "inch", "degrees", "km"}
)


def title_to_text(title: str) -> str:
    """Return the words of a title. Many titles are file names; remove their extension, counters and codes.

    >>> title_to_text("Girl Screaming_05.wav"), title_to_text("Rain on a tin roof - 2nd take"), title_to_text("38.wav")
    ('Girl Screaming', 'Rain on a tin roof, 2nd take', '')
    """
    text = " ".join(lines(title))
    if "(" in text:
        text = _INNER_FILE.sub("", text)
    if "_" in text or " " not in text or (text[-1].isalnum() and _EXTENSION.search(text)):
        return cut(" ".join(_words_of_name(_without_dots(title))))
    return clean_text(re.sub(r"\s+-+\s+", ", ", text))


def file_name_to_text(name: str) -> str:
    """Return the words of a file name, with a capital at the beginning; empty when it has no words.

    >>> file_name_to_text("BB01_DoorOpen-02.wav"), file_name_to_text("recordings/3_knocks.flac"), file_name_to_text("DR0000_0123.wav")
    ('Door open', '3 knocks', '')
    """
    names = _words_of_name(re.split(r"[/\\]", _without_dots(name))[-1])
    text = cut(" ".join(map(_lowered, names)))
    return text[:1].upper() + text[1:]


def without_extension(text: str) -> str:
    """Return a text without the extension of a file at its end."""
    return _EXTENSION.sub("", text)


def _words_of_name(name: str) -> list[str]:
    """Return the words of a file name without extension, date, counters and codes; none when only empty names are left."""
    stem = _EXTENSION.sub("", (_INNER_FILE.sub("", name) if "(" in name else name).strip())
    stem = _DATE.sub(" ", stem) if _DIGITS.search(stem) else stem
    pieces = [piece for piece in _BETWEEN_WORDS.split(stem) if piece]
    if " " not in stem:
        pieces = [part for piece in pieces for part in piece.split("-") if part]
    split = [word for piece in pieces for word in _words_of_piece(piece)]
    kept = [word for index, word in enumerate(split) if not _is_counter(split, index)]
    descriptive = [word for word in kept if not _NOTE.fullmatch(word) and word.lower() not in words("empty_names")]
    return kept if has_letters("".join(descriptive)) else []


def _without_dots(name: str) -> str:
    """Return a name as one clean line; in a name without blanks, every dot becomes a blank."""
    stem = _EXTENSION.sub("", name.strip())
    if "." in stem and not re.search(r"\s|//|www", stem):
        stem = stem.replace(".", " ")
    return " ".join(lines(stem))


def _lowered(word: str) -> str:
    """Return a word of a file name in lower case, unless it is a name or an acronym."""
    if word in words("proper_words"):
        return word
    capitals = word.isupper() and len(word) >= ACRONYM_LENGTH
    return word.lower() if capitals or word[1:].islower() or len(word) == 1 else word


@lru_cache(maxsize=1 << 16)
def _words_of_piece(piece: str) -> tuple[str, ...]:
    """Return the words that are joined in one piece of a file name ("DoorOpen"); none for a code such as "BB01"."""
    bare = piece.strip(".,;:!()[]{}#~")
    if _QUANTITY.fullmatch(bare) or _NOTE.fullmatch(bare):
        return (bare,)
    if _CODE.fullmatch(bare) and not _LETTERS.search(bare):
        return ()
    return tuple(word for word in _CAMEL.split(piece) if _WORD.search(word))


@lru_cache(maxsize=1 << 16)
def _is_number(word: str) -> bool:
    return _NUMBER.fullmatch(word) is not None and _QUANTITY.fullmatch(word) is None


def _is_counter(split: list[str], index: int) -> bool:
    """Return whether a word only numbers the file ("02", "v3"), unlike the numbers of "3 knocks" and "120 bpm"."""
    word = split[index].strip(".,()[]")
    if not word or not _is_number(word):
        return not word
    after = split[index + 1] if index + 1 < len(split) else ""
    counts = after.islower() and word.isdigit() and not word.startswith("0") and int(word) <= 24
    return not (counts or after.lower() in _UNITS or word in ("808", "909"))
