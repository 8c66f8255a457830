"""Yield the sentences of a description that say what is heard, without their clauses about equipment, licences, packs and pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

import sentencex

from augment.boilerplate import is_about_other_things
from augment.clean import ADDRESS, MAX_CHARACTERS, cut, lines
from augment.equipment import names_equipment, until, without_equipment
from augment.prose import without_extension

MAX_SENTENCES = 8  # of a description; what comes later is about other things, most often
MAX_CHARACTERS_READ = 800
N_CACHED = 4096  # lines and descriptions: uploaders write the same on all sounds of a pack, which stand together
MIN_CUT = 80  # characters that stay of a long sentence that is cut at a mark
_TOUCHING = re.compile(r"[A-Z.](?:(?<=[a-zBM][A-Z])|(?<=[a-z]\.)(?=[a-z]))")
_TOUCHING_WORDS = re.compile(r"[a-z](?:recorded|this) ")
_RUN_ON = re.compile(
    r"[A-Z](?:(?<=[a-z][A-Z])[a-z]{2,}\b|(?:(?<=\d BPM[A-Z])|(?<=\d [Hk]z[A-Z])|(?<=\d k[Hh]z[A-Z])|(?<=\d dB[A-Z]))(?=[a-z]))"
)
_RUN_ON_WORDS = re.compile(r"(?<=[a-z]{3})(?=recorded (?:with|on|at|by)\b|this (?:is|was) (?:part|an?|the)\b)")
_GLUED = re.compile(r"(?<=[a-z]{3})\.(?=[a-z]{3,}\b)(?!(?:wav|wave|mp3|aiff?|flac|ogg|com|org|net)\b)")
_ABBREVIATIONS = frozenset({
    "approx", "appr", "ca", "incl", "excl", "vol", "no", "nr", "min", "sec", "max", "freq", "orig", "osc", "rec", "resp", "esp", "feat",
    "vs", "ave", "mt", "ft",
})  # fmt: skip
_LABEL = re.compile(
    r"\b(?:equipment|gear|mics?|microphones?|recorders?|software|hardware|format|location|date|time|bpm|tempo|key|tuning|settings"
    r"|instrument|processing|sample ?rate|file|length|duration|license|credits?)(?: used)?\s?(?::+|=).*$",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(r"^(?:(?:original )?description|note|title|info|sound|file ?name|english|en|eng)\s*:\s*", re.IGNORECASE)
_EDGES = " ,;:-–/|+&="
_BRACKET = re.compile(r"[()\[\]{}]")
_TIDY = re.compile(r" +(?=[.,;!](?!\d)| )")
_DANGLING = re.compile(
    r"(?:(?:\s|^)(?:and|or|with|by|at|in|on|from|of|for|to|as|the|an?|my|using|recorded|recording|record|captured|made|created|is|was"
    r"|then|which|that|under|should|could|some|just|one|\d+))+$",
    re.IGNORECASE,
)
_NAMED_VALUE = re.compile(r"^(?!sounds?\b|content|you (?:can )?hear|what)[\w/]+(?: [\w/()]+){0,2}\s?:{1,2}\s?\S", re.IGNORECASE)
"""A field with its value, as in "Room type: hall"."""
_ADDRESS_TAIL = re.compile(
    r"(?:\b(?:at|from|on|see|visit|here|in|of|via|by|is|are|available|found|downloaded|uploaded|to|under|with|the|link|url|site"
    rf"|website|page|and|or|more|info|information|check|out|also|free|can|be|get|it|for|my|our|original)\b[\s:,(–-]*)*{ADDRESS}.*$",
    re.IGNORECASE,
)
_LICENSE_TAIL = re.compile(
    r"\b(?:licen[cs]ed?\b|under (?:a |the )?(?:creative|cc)|creative commons|cc[ -]?(?:0|by)\b|public domain|royalty[ -]free"
    r"|free (?:to|for) (?:use|any)|copyright|attribution).*$",
    re.IGNORECASE,
)
_PACK_TAIL = re.compile(
    r"\b(?:this (?:is|was) )?(?:part|one|some|several|taken|samples?) (?:of|from) (?:an?|the|my|our|this|these|those)"
    r" (?:[\w'\"“”-]+ ){0,8}?(?:set|pack|series|collection|library|project|album|kit|dataset|film|movie|game|recordings)\b.*$",
    re.IGNORECASE,
)
_ADVICE_TAIL = re.compile(
    r"\b(?:(?:which|that|it|they|and) )?(?:(?:can|could|may|might|should|would)(?: also)? be (?:used|useful|good|great|nice)"
    r"|(?:for|to) use (?:in|as|for|it)|for (?:your|any|my|our|all your|use)|feel free|enjoy|(?:just )?listen to my|check out)\b.*$",
    re.IGNORECASE,
)
_MAKER_TAIL = re.compile(
    r"[\s,]+(?:(?:that|which) )?(?:i|we)(?: have| had|'ve)?(?: just)?"
    r" (?:\w+ed|(?:re)?did|made|built|found|bought|got|had|wrote|took|put|cut)\b(?! of\b).*$",
    re.IGNORECASE,
)
_TAILS = (
    (re.compile(r"[\s,(-]+(?:as )?requested by\b.*$", re.IGNORECASE), ("requested by",)),
    (_MAKER_TAIL, (" i ", " we ", " i'", " we'")),
    (_LICENSE_TAIL, ("licen", "creative", "cc", "public", "royalty", "free", "copyright", "attribution")),
    (_PACK_TAIL, ("set", "pack", "series", "collection", "library", "project", "album", "kit", "film", "movie", "game", "recordings")),
    (_ADVICE_TAIL, (" be ", "for ", "to use", "feel", "enjoy", "listen", "check")),
)
_AUTHOR_TAIL = re.compile(
    r",?\s+(?:(?:played|performed|sung|written) )?by(?: (?:[A-Z][\w.'-]*|&|and(?= [A-Z])))+[.!]?$"
    r"|[\s,(-]+(?:made|created|rec|recorded|recording|composed|produced|uploaded) by [A-Z].*$"
)
_OPENING = re.compile(
    r"^(?:here )?(?:i|we)(?:'ve| have| had)? (?:just )?(?:recorded|captured) (?=(?:an?|the|some|these|two|my)\b)"
    r"|^(?:this|it) (?:is|was|are)(?: just)? (?=(?:an?|the|some) )|^here(?:'s| is) (?=(?:an?|the|some) )",
    re.IGNORECASE,
)
MAX_COLONS = 2  # more of them stand in lists of fields


def sentences(description: str) -> Iterator[str]:
    """Yield the sentences of a description without what they say of equipment, licences and pages; "" for those about other things."""
    given = (sentence for line in _lines_of(description) for sentence in _segments(_apart(line)))
    return map(_of_sound, islice(given, MAX_SENTENCES))


@lru_cache(maxsize=N_CACHED)
def _lines_of(description: str) -> tuple[str, ...]:
    return tuple(lines(_beginning(description), address=ADDRESS))


@lru_cache(maxsize=N_CACHED)
def _of_sound(sentence: str) -> str:
    """Return a sentence, trimmed; empty where it is about other things."""
    if is_about_other_things(sentence) or sentence.count(":") > MAX_COLONS or _NAMED_VALUE.match(sentence):
        return ""
    text = trimmed(sentence)
    return "" if text != sentence and is_about_other_things(text) else text


def _beginning(description: str) -> str:
    """Return the sentences of a description that end within `MAX_CHARACTERS_READ`."""
    if len(description) <= MAX_CHARACTERS_READ:
        return description
    text = description[:MAX_CHARACTERS_READ]
    return text[: max(map(text.rfind, (". ", "! ", "? ", "\n", ">"))) + 1] or text


def _apart(line: str) -> str:
    """Return a line with a blank between sentences whose line break was lost.

    >>> _apart("a tractorEquipment used: H4n"), _apart("at places.sounds of it"), _apart("a GarageBand loop")
    ('a tractor. Equipment used: H4n', 'at places. sounds of it', 'a GarageBand loop')
    """
    if _TOUCHING.search(line) is not None:
        line = _GLUED.sub(". ", _RUN_ON.sub(_separated, line))
    return _RUN_ON_WORDS.sub(". ", line) if _TOUCHING_WORDS.search(line) is not None else line


def _separated(match: re.Match) -> str:
    """Return the beginning of a word with a full stop before it, unless the word before it is a name, as "GarageBand" or "iPhone" are."""
    text, start = match.string, match.start()
    before = text[text.rfind(" ", 0, start) + 1 : start]
    word = before[max((i + 1 for i, character in enumerate(before) if not character.isalnum()), default=0) :]
    is_word = (len(word) > 1 and not word[0].isupper()) or before in ("BPM", "dB")
    return f". {match[0]}" if is_word else match[0]


def _segments(line: str) -> Iterator[str]:
    """Yield the sentences of a line; an abbreviation before a small letter or a number ends none."""
    waiting = ""
    for segment in sentencex.segment("en", line):
        sentence = f"{waiting} {segment.strip()}".strip()
        if sentence[-1:] == "." and sentence[:-1].rpartition(" ")[2].lower() in _ABBREVIATIONS:
            waiting = sentence
            continue
        waiting = ""
        yield sentence
    if waiting:
        yield waiting


def trimmed(sentence: str) -> str:
    """Return a sentence without its clauses about equipment, licences and pages; empty where nothing is left.

    >>> trimmed("Rain on a roof, recorded with a Zoom H4n at 48 kHz."), trimmed("A train passes (Zoom H2).")
    ('Rain on a roof', 'A train passes.')
    """
    text = _INTRODUCTION.sub("", sentence) if ":" in sentence else sentence
    text = without_opening(text)
    text = until(_ADDRESS_TAIL, text) if ADDRESS in text else text
    text = until(_LABEL, text) if ":" in text or "=" in text else text
    text = _without_tails(text)
    text = _AUTHOR_TAIL.sub("", text) if " by " in text else text
    text = without_equipment(text) if names_equipment(text) else text
    text = without_extension(balanced(text)).strip(_EDGES)
    if not sentence.endswith(text):
        text = _DANGLING.sub("", text)
    return _shortened(_TIDY.sub("", text).strip(_EDGES))


def _without_tails(text: str) -> str:
    """Return a text up to what it says of licences, packs and uses. Words are looked for before the patterns, which takes less time."""
    lowered = text.lower()
    for tail, signs in _TAILS:
        if any(sign in lowered for sign in signs):
            text = until(tail, text)
    return text


def _shortened(text: str) -> str:
    """Return a text of at most `MAX_CHARACTERS`; one that is cut ends where a clause does, if one ends late enough."""
    short = cut(text)
    if len(text) <= MAX_CHARACTERS:
        return short
    mark = max(short.rfind(mark, MIN_CUT) for mark in (", ", "; ", ": ", " - ", ". ", ") "))
    return short[:mark].rstrip(" -;:") if mark > 0 else short


def balanced(text: str) -> str:
    """Return a text without the brackets that have no partner, and without empty ones.

    >>> balanced("Funk loop (130 BPM"), balanced("rain) on a (tin) roof ()")
    ('Funk loop 130 BPM', 'rain on a (tin) roof ')
    """
    if _BRACKET.search(text) is None:
        return text
    for opening, closing in ("()", "[]", "{}"):
        lonely, opened = set(), list[int]()
        for position, character in enumerate(text):
            if character == opening:
                opened.append(position)
            elif character == closing and opened:
                opened.pop()
            elif character == closing:
                lonely.add(position)
        lonely.update(opened)
        if lonely:
            text = "".join(character for position, character in enumerate(text) if position not in lonely)
    return re.sub(r"[(\[{]\s*[)\]}]", "", text)


def without_opening(text: str) -> str:
    """Return a sentence without the words before what it names.

    >>> without_opening("This is a bell."), without_opening("I recorded some rain"), without_opening("It rains")
    ('a bell.', 'some rain', 'It rains')
    """
    return _OPENING.sub("", text)
