"""Choose the captions of a sound among its title, the sentences of its description, and the template over its tags.

Recordists write what is heard beside equipment, licences, thanks and links. Every sentence is trimmed and scored by the words in it; the
best stands. A template stands where no text says what is heard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import islice

from augment.boilerplate import is_about_other_things
from augment.clean import MAX_RAW
from augment.description_sentences import balanced, sentences, without_opening
from augment.equipment import is_equipment, names_equipment, without_formats
from augment.prose import title_to_text
from augment.stems import WORD, about_recordings, content_words, sounds, stem
from augment.tables import rows, words
from augment.templates import template
from pipeline.records import TEMPLATE_LABELS

MAX_TAGS_READ = 100
MAX_CHARACTERS_OF_A_TAG = 60
ENOUGH = 1.5
"""Score of a text that says what is heard: that of one word for a sound or of the tags."""
WEAK = 3.5
"""Score of the best text below which the template over the tags stands beside it."""
LOWEST = 0.5 * ENOUGH
"""Score of a template over one tag for a sound."""
MUCH = 6.0
"""Score of a sentence after which no other is looked at."""
FOR_A_TITLE = 1.0
"""Titles are short, and mostly about the sound: of 250 read, 81 % were good, of first sentences 74 %."""
CLEAR = 5.0
"""Score from which on a text needs no word for a sound: that of three words of the tags."""
MIN_BESIDE = 3.0
"""Score from which on a text stands beside a better one."""
FOR_THE_FIRST = 1.0
"""The first sentence says what is heard more often than later ones, which need two words for it."""
_TOKEN = re.compile(r"[\w'-]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MUSICAL_NOTE = re.compile(r"\b[A-Ga-g][#b]?\d\b")
_DIGIT = re.compile(r"\d")
_FILE_NUMBER = re.compile(r"\d{5,}|0\d+")
N_SAME = 40  # characters
COSTS = {"chat": 1.0, "meta": 1.0, "denial": 1.5, "advice": 2.0, "question": 1.0, "year": 0.5, "gear": 1.0}
"""Kind of what says nothing about the sound -> what each costs a text, `MAX_OF_A_KIND` times at most."""
MAX_OF_A_KIND = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may become a caption.

    `origin`: "title", "description" or "template". `score`: how much it says of the sound. `stems`: its words that are not of grammar.
    """

    text: str
    origin: str
    score: float
    stems: frozenset[str] = frozenset()


def chosen(
    title: str, description: str, tags: Sequence[str], repeated: Container[str] = (), max_labels: int = TEMPLATE_LABELS
) -> list[Candidate]:
    """Return the captions of a sound, best first; none where nothing says what is heard.

    Args:
        repeated: sentences that stand on many sounds; one of them stands only where nothing else does.
        max_labels: tags in the template.

    >>> [each.text for each in chosen("Dog_bark-02.wav", "Enjoy! My dog barks at night - recorded with a Zoom H4n.", ["dog"])]
    ['Dog bark', 'My dog barks at night']
    >>> [each.text for each in chosen("38.wav", "Recorded with Zoom H4n.", ["rain", "roof"])]
    ['The sound of rain and roof.']
    """
    tags = _read(tags)
    tag_stems = frozenset().union(*map(_words_of_tag, tags))
    described = list(_described(description, tag_stems))
    best = max((each for each in described if each.text not in repeated), key=_score_of, default=None)
    named, tagged = _named(title[:MAX_RAW], tag_stems), partial(of_tags, tags, max_labels)
    standing = _standing(named, best, tagged, _is_confirmed(named, tag_stems, described))
    return _distinct(sorted(standing, key=_score_of, reverse=True)) or _last_choice(named, tagged(), described)


def _standing(named: Candidate, best: Candidate | None, tagged: Callable[[], Candidate], is_confirmed: bool) -> list[Candidate]:
    """Return those of the title, the best sentence and the template that say what is heard; none where none does.

    A doubtful text does not stand beside another; a title that is not confirmed stands only alone. A text without a word for a sound
    and with few of the tags gives way to one that has some, and to a template over two tags for sounds. The template stands beside weak
    texts too.
    """
    texts = sorted((each for each in (named, best) if each is not None and each.score >= ENOUGH), key=_score_of, reverse=True)
    if not is_confirmed and len(texts) > 1:
        texts.remove(named)
    clear = [each for each in texts if _names_a_sound(each) or each.score >= CLEAR]
    stand = clear[:1] + [each for each in clear[1:] if each.score >= MIN_BESIDE]
    if stand and (stand[0].score >= WEAK or (not is_confirmed and stand == [named])):
        return stand
    template = tagged()
    if template.score >= ENOUGH:
        return [*stand, template]
    return stand or [*texts[:1], *([template] if template.score >= LOWEST else [])]


def _names_a_sound(each: Candidate) -> bool:
    return not sounds().isdisjoint(each.stems)


def _last_choice(named: Candidate, tags: Candidate, described: Sequence[Candidate]) -> list[Candidate]:
    """Return the text that stands where none says what is heard: an often repeated sentence, the tags, or the title."""
    often = max(described, key=_score_of, default=None)
    if often is not None and often.score >= ENOUGH:
        return [often]
    return [each for each in (tags, named) if each.stems][:1]


def _described(description: str, tag_stems: frozenset[str]) -> Iterator[Candidate]:
    """Yield the sentences of a description until one of them says much."""
    for number, text in enumerate(sentences(description)):
        if not text:
            continue
        value, stems = _scored(text, tag_stems)
        value += FOR_THE_FIRST * (1 if number == 0 and value >= ENOUGH else -1 if number else 0)
        yield Candidate(text, "description", value, stems)
        if value >= MUCH:
            return


def _named(title: str, tag_stems: frozenset[str]) -> Candidate:
    """Return the text of a title, without words about files at its ends."""
    text = balanced(without_formats(title_to_text(title)))
    pieces = text.split(" ")
    while len(pieces) > 1 and _is_about_file(pieces[0]):
        pieces.pop(0)
    n_pieces = len(pieces)
    while len(pieces) > 1 and (_is_about_file(pieces[-1]) or (len(pieces) < n_pieces and pieces[-1].lower() in words("function_words"))):
        pieces.pop()
    text = " ".join(pieces).rstrip(" ,-")
    value, stems = _scored(text, tag_stems)
    value = 0.0 if is_about_other_things(text) else value + FOR_A_TITLE * (len(stems) > 1)
    return Candidate(text, "title", value, stems)


@lru_cache(maxsize=1 << 16)
def _is_about_file(word: str) -> bool:
    bare = word.lower().strip(".,()[]")
    return bare in words("title_ends") or _FILE_NUMBER.fullmatch(bare) is not None or is_equipment(bare)


def _is_confirmed(named: Candidate, tag_stems: frozenset[str], described: Sequence[Candidate]) -> bool:
    """Return whether a title has words for sounds or of the tags; a single word must be one of the tags or of the description.

    "stairs", of a sound of a telephone, is not confirmed.
    """
    content = named.stems - about_recordings()
    if not content.isdisjoint(tag_stems) or (len(content) > 1 and not content.isdisjoint(sounds())):
        return True
    return not all(map(content.isdisjoint, (each.stems for each in described)))


def of_tags(tags: Sequence[str], max_labels: int = TEMPLATE_LABELS) -> Candidate:
    """Return the template over the tags for sounds: others are about moods, places and programs.

    >>> of_tags(["zoom", "field-recording", "loud", "door-slam", "door", "key-ring"]).text
    'The sound of door slam and key ring.'
    """
    stems: dict[str, frozenset[str]] = {}
    for tag in _read(tags):
        if matching := _stems_of_tag(tag):
            stems.setdefault(tag.replace("-", " "), matching)
    telling = [tag for tag, matching in stems.items() if matching & sounds()]
    distinct = (
        tag for i, tag in enumerate(telling) if not any(_covers(stems[o], stems[tag], i > j) for j, o in enumerate(telling) if j != i)
    )
    kept = list(islice(distinct, max_labels))
    text = template(kept, max_labels) or ""
    return Candidate(text, "template", ENOUGH * min(2, len(telling)) / 2, frozenset().union(*map(stems.__getitem__, kept)))


def _read(tags: Sequence[str]) -> list[str]:
    """Return the tags that are looked at: a long text is none, and records with hundreds exist."""
    return [tag for tag in tags[:MAX_TAGS_READ] if len(tag) <= MAX_CHARACTERS_OF_A_TAG]


def _covers(other: frozenset[str], stems: frozenset[str], is_later: bool) -> bool:
    """Return whether another tag says all that a tag says: of equal ones, the later goes."""
    return stems < other or (is_later and stems == other)


@lru_cache(maxsize=1 << 16)
def _stems_of_tag(tag: str) -> frozenset[str]:
    """Return the stems of a tag; none where it is about the recording, a code, or equipment."""
    spaced = tag.replace("-", " ").lower()
    pieces = spaced.split()
    if len(pieces) > 1 and (
        pieces[0] == "to" or len(pieces[-1]) == 1 or not words("empty_names").isdisjoint(pieces) or "dataset" in pieces
    ):
        return frozenset()
    is_about_files = any(map(str.isdigit, tag)) or tag.lower() in words("tag_fillers") or names_equipment(spaced)
    return frozenset() if is_about_files else _words_of_tag(spaced)


@lru_cache(maxsize=1 << 16)
def _words_of_tag(tag: str) -> frozenset[str]:
    """Return the stems of the words of a tag, but of those about recordings."""
    return frozenset(stem(word) for word in WORD.findall(tag.lower()) if len(word) > 2) - about_recordings()


def _score_of(each: Candidate) -> float:
    return each.score


def same_text(text: str) -> str:
    """Return the beginning of a text without case, numbers and marks: equal for the sentences that one author writes on many sounds.

    >>> same_text("Note C4, by Me!") == same_text("note c5 by me")
    True
    """
    return " ".join(WORD.findall(_MUSICAL_NOTE.sub("", without_opening(text.strip())).lower()))[:N_SAME]


def score(text: str, tag_stems: frozenset[str]) -> float:
    """Return how much a text says of a sound: words for sounds and words of the tags count, words about anything else cost.

    >>> score("A dog barks at a train", frozenset()) > ENOUGH > score("I made this for my project in 2009", frozenset())
    True
    """
    return _scored(text, tag_stems)[0]


def _scored(text: str, tag_stems: frozenset[str]) -> tuple[float, frozenset[str]]:
    """Return the score of a text, and the stems of its words that are not of grammar."""
    facts = [_facts(token) for token in _TOKEN.findall(text.lower())]
    stems = frozenset(each[0] for each in facts if each[0])
    n_sounds, n_tagged = len(sounds().intersection(stems)), len(tag_stems.intersection(stems))
    if not stems or (len(stems) < 2 and not n_sounds and not n_tagged):
        return 0.0, stems
    kinds = [each[1] for each in facts if each[1]]
    value = 2.0 * min(n_sounds, 4) + 1.5 * min(n_tagged, 4)
    value -= sum(COSTS[kind] * min(MAX_OF_A_KIND, kinds.count(kind)) for kind in set(kinds))
    value -= COSTS["question"] * ("?" in text) + 0.1 * max(0, len(facts) - 25)
    value -= 3.0 * (len(_DIGIT.findall(text)) > 0.25 * len(text))
    return value + (0.5 if len(stems) > 2 else 0.0), stems


@lru_cache(maxsize=1 << 16)
def _facts(token: str) -> tuple[str, str]:
    """Return the stem of a word, empty for one of grammar, and the kind of what says nothing about the sound, see `COSTS`."""
    content = content_words(token)
    kind = _words_of_kinds().get(token) or ("gear" if is_equipment(token) else "year" if _YEAR.fullmatch(token) else "")
    return stem(content[-1]) if content else "", kind


@cache
def _words_of_kinds() -> dict[str, str]:
    return {row[0]: row[1] for row in rows("text_faults")}


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    matching: dict[str, Candidate] = {}
    for each in candidates:
        matching.setdefault(same_text(each.text) or each.text, each)
    return list(matching.values())
