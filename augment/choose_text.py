"""Choose the captions of a sound among its title, the sentences of its description, and the template over its tags.

Recordists write what is heard beside equipment, licences, thanks and links. Every sentence is trimmed and scored by the words in it; the
best stands. A template stands where no text says what is heard.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import sentencex

from augment.clean import ADDRESS, cut, lines
from augment.prose import is_about_other_things, title_to_text, without_extension
from augment.tables import rows, words
from augment.templates import template

MAX_SENTENCES = 12  # of a description; what comes later is about other things, most often
MAX_TAGS = 12  # of a template
ENOUGH = 1.5
"""Score of a text that says what is heard: that of one word for a sound or of the tags."""
MUCH = 8.0
"""Score of a sentence after which no other is looked at."""
FOR_A_TITLE = 1.0
"""Titles are short, and mostly about the sound: of 250 read, 81 % were good, of first sentences 74 %."""
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_TOKEN = re.compile(r"[\w'-]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MUSICAL_NOTE = re.compile(r"\b[A-Ga-g][#b]?\d\b")
N_SAME = 40  # characters
_ENDINGS = ("ings", "ing", "ers", "er", "ed", "es", "s", "y")
_TOUCHING = re.compile(r"[a-z](?:[A-Z]|\.[a-z])")
_RUN_ON = re.compile(r"\b([a-z0-9][^\W_]*[a-z])(?=[A-Z][a-z]{2,}\b)")
_GLUED = re.compile(r"(?<=[a-z]{3})\.(?=[a-z]{3,}\b)(?!(?:wav|wave|mp3|aiff?|flac|ogg|com|org|net)\b)")
_SHORT = re.compile(r"\b(?:approx|appr|ca|incl|excl|vol|no|nr|min|sec|max|freq|orig|osc|rec|resp|esp|feat|vs|ave|mt|ft)\.$", re.IGNORECASE)
_LABEL = re.compile(
    r"\b(?:equipment|gear|mics?|microphones?|recorders?|software|hardware|format|location|date|time|bpm|tempo|key|tuning|settings"
    r"|instrument|processing|sample ?rate|file|length|duration|license|credits?)(?: used)?\s?(?::+|=).*$",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(r"^(?:(?:original )?description|note|title|info|sound|file ?name|english|en|eng)\s*:\s*", re.IGNORECASE)
_EDGES = " ,;:-–/|+&="
_BRACKET = re.compile(r"[()\[\]{}]")
_TIDY = re.compile(r" +(?=[.,;! ])")
_DANGLING = re.compile(r"(?:\s|^)(?:and|or|with|by|at|in|on|from|of|the|a|using)$", re.IGNORECASE)
_NAMED_VALUE = re.compile(r"^(?!sounds?\b|content|you (?:can )?hear|what)[\w/]+(?: [\w/]+){0,2}\s?:{1,2}\s?\S", re.IGNORECASE)
"""A field with its value, as in "Room type: hall"."""
_REST = re.compile(
    r"[\s,;.]+(?:(?:and|they|it|these|this|that|which|all|are|is|was|were|have|has|been|simply|just|first|then|\w+ly)\b\s*)+$",
    re.IGNORECASE,
)
_MADE = (
    r"(?:which (?:was|were|i) |that (?:was|i) |i |was |were |been |all |and (?:then )?)*(?:re-?)?"
    r"(?:recorded|recording|captured|taken|sampled|made|created|generated|edited|processed|mixed|produced|rendered|mastered|cleaned(?: up)?"
    r"|designed|done|played|filmed|rec|using|via|through|with)"
)
_TO = (
    r"(?:\s+(?:with|using|on|by|via|in|into|through|from|to|at|and|a|an|my|the|one|two|some|pair|of|portable|handheld|digital|old"
    r"|\w+'s|only))*"
)
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
COSTS = {"chat": 1.0, "meta": 1.0, "denial": 1.5, "advice": 2.0, "question": 1.0, "year": 0.5, "gear": 1.0}
"""Kind of what says nothing about the sound -> what each costs a text, `MAX_OF_A_KIND` times at most."""
MAX_OF_A_KIND = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may become a caption, where it is from ("title", "description" or "template"), and how much it says of the sound."""

    text: str
    origin: str
    score: float


def chosen(title: str, description: str, tags: Sequence[str], repeated: Container[str] = ()) -> list[Candidate]:
    """Return the captions of a sound, best first; none where nothing says what is heard.

    Args:
        repeated: sentences, see `same_text`, that stand on many sounds; one of them stands only where nothing else does.

    >>> [each.text for each in chosen("Dog_bark-02.wav", "Enjoy! My dog barks at night - recorded with a Zoom H4n.", ["dog"])]
    ['Dog bark', 'My dog barks at night']
    >>> [each.text for each in chosen("38.wav", "Recorded with Zoom H4n.", ["rain", "roof"])]
    ['The sound of rain and roof.']
    """
    tag_stems = frozenset(stem(word) for tag in tags for word in _WORD.findall(tag.lower()) if len(word) > 2) - _meta()
    named = _candidate(balanced(title_to_text(title)), "title", tag_stems)
    told = list(_told(description, tag_stems))
    rare = [each for each in told if same_text(each.text) not in repeated]
    best = max(rare, key=lambda each: each.score, default=None)
    stand = [each for each in (named, best) if each is not None and each.score >= ENOUGH]
    if not stand:
        often = max((each for each in told if each not in rare), key=lambda each: each.score, default=None)
        stand = [each for each in (of_tags(tags), often) if each is not None and each.score >= ENOUGH][:1]
    if not stand and named.text and len(_content(named.text)) > 1:
        stand = [named]
    return sorted(_distinct(stand), key=lambda each: -each.score)


def _told(description: str, tag_stems: frozenset[str]) -> Iterator[Candidate]:
    """Yield the sentences of a description until one of them says much."""
    for text in sentences(description):
        yield (told := _candidate(text, "description", tag_stems))
        if told.score >= MUCH:
            return


def of_tags(tags: Sequence[str]) -> Candidate | None:
    """Return the template over the first tags that are not about the recording; `None` where all are."""
    telling = [tag for tag in tags if any(stem(word) not in _meta() and len(word) > 2 for word in _WORD.findall(tag.lower()))]
    text = template([tag.replace("-", " ") for tag in telling if not any(map(str.isdigit, tag))][:MAX_TAGS])
    return Candidate(text, "template", ENOUGH) if text else None


def sentences(description: str) -> Iterator[str]:
    """Yield the sentences of a description that are not about other things, without what they say of equipment, licences and pages."""
    n_sentences = 0
    for line in lines(description, address=ADDRESS):
        for sentence in _segments(_apart(line)):
            n_sentences += 1
            if n_sentences > MAX_SENTENCES:
                return
            if (
                not is_about_other_things(sentence)
                and not _NAMED_VALUE.match(sentence)
                and (text := trimmed(sentence))
                and not is_about_other_things(text)
            ):
                yield text


def _apart(line: str) -> str:
    """Return a line with a blank between sentences whose line break was lost.

    >>> _apart("a tractorEquipment used: H4n"), _apart("at places.sounds of it"), _apart("a GarageBand loop")
    ('a tractor. Equipment used: H4n', 'at places. sounds of it', 'a GarageBand loop')
    """
    if _TOUCHING.search(line) is None:
        return line
    return _GLUED.sub(". ", _RUN_ON.sub(r"\1. ", line))


def _segments(line: str) -> Iterator[str]:
    """Yield the sentences of a line; an abbreviation before a small letter or a number ends none."""
    waiting = ""
    for segment in sentencex.segment("en", line):
        sentence = f"{waiting} {segment.strip()}".strip()
        if _SHORT.search(sentence):
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
    text = _until(_ADDRESS_TAIL, text) if ADDRESS in text else text
    text = _until(_LABEL, text) if ":" in text or "=" in text else text
    text = _until(_LICENSE_TAIL, text)
    if _equipment().search(text):
        text = _equipment_in_brackets().sub("", text)
        shorter = _until(_equipment_tail(), text)
        text = _REST.sub("", shorter) if shorter != text else text
    text = without_extension(balanced(text)).strip(_EDGES)
    return cut(_TIDY.sub("", _DANGLING.sub("", text)).strip(_EDGES)) if text else ""


def _until(pattern: re.Pattern, text: str) -> str:
    """Return a text up to where a pattern is, without the marks before it."""
    match = pattern.search(text)
    return text[: match.start()].rstrip(" ,;:.(–-") if match else text


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


def same_text(text: str) -> str:
    """Return the beginning of a text without case, numbers and marks: equal for the sentences that one author writes on many sounds.

    >>> same_text("Note C4, by Me!") == same_text("note c5 by me")
    True
    """
    return " ".join(_WORD.findall(_MUSICAL_NOTE.sub("", text).lower()))[:N_SAME]


def _candidate(text: str, origin: str, tag_stems: frozenset[str]) -> Candidate:
    return Candidate(text, origin, score(text, tag_stems) + (FOR_A_TITLE if origin == "title" and len(_content(text)) > 1 else 0.0))


def score(text: str, tag_stems: frozenset[str]) -> float:
    """Return how much a text says of a sound: words for sounds and words of the tags count, words about anything else cost.

    >>> score("A dog barks at a train", frozenset()) > ENOUGH > score("I made this for my project in 2009", frozenset())
    True
    """
    content = _content(text)
    stems = {stem(word) for word in content}
    n_sounds, n_tagged = len(stems & _sounds()), len(stems & tag_stems)
    if not content or (len(content) < 2 and not n_sounds and not n_tagged):
        return 0.0
    kinds = Counter(filter(None, map(_kind, _TOKEN.findall(text.lower()))))
    value = 2.0 * min(n_sounds, 4) + 1.5 * min(n_tagged, 4) - sum(COSTS[kind] * min(MAX_OF_A_KIND, n) for kind, n in kinds.items())
    value -= COSTS["question"] * ("?" in text)
    value -= 0.05 * max(0, len(text.split()) - 20) + 3.0 * (sum(map(str.isdigit, text)) > 0.25 * len(text))
    return value + (0.5 if len(content) > 2 else 0.0)


def _content(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if len(word) > 2 and word not in words("function_words")]


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return a word without its ending, so that its forms are equal: the word for a sound, where it is a form of one.

    >>> stem("barking"), stem("barked"), stem("rivers"), stem("clapping"), stem("squeaky")
    ('bark', 'bark', 'river', 'clap', 'squeak')
    """
    known = words("sound_words")
    if word in known:
        return word
    for ending in _ENDINGS:
        base = word.removesuffix(ending)
        if base != word and len(base) > 2:
            for form in (base, base + "e", base[:-1] if base[-1:] == base[-2:-1] else base):
                if form in known:
                    return form
    for ending in _ENDINGS[:-1]:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word


@cache
def _sounds() -> frozenset[str]:
    return frozenset(map(stem, words("sound_words")))


@cache
def _meta() -> frozenset[str]:
    """Return the stems of words about recordings, which tags hold too, and which say nothing of the sound."""
    return frozenset(map(stem, words("empty_names") | words("tag_fillers")))


@cache
def _equipment() -> re.Pattern:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(row[0] for row in rows('equipment'))})(?![\w-])", re.IGNORECASE)


@cache
def _words_of_kinds() -> dict[str, str]:
    return {row[0]: row[1] for row in rows("text_faults")}


@lru_cache(maxsize=1 << 16)
def _kind(word: str) -> str | None:
    """Return the kind of a word that says nothing about the sound, see `COSTS`."""
    return _words_of_kinds().get(word) or ("gear" if _equipment().fullmatch(word) else "year" if _YEAR.fullmatch(word) else None)


@cache
def _equipment_in_brackets() -> re.Pattern:
    return re.compile(rf"\s*[(\[][^()\[\]]*{_equipment().pattern}[^()\[\]]*[)\]]", re.IGNORECASE)


@cache
def _equipment_tail() -> re.Pattern:
    return re.compile(rf"\b{_MADE}{_TO}\s+(?:[\w-]+\s+){{0,3}}{_equipment().pattern}.*$", re.IGNORECASE)


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for each in candidates:
        found.setdefault(same_text(each.text) or each.text, each)
    return list(found.values())
