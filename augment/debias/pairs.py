"""Merge two persons in a row into a plural: "a man and a woman" -> "two people", "two men and a woman" -> "three people"."""

from __future__ import annotations

from augment.debias.caption_editor import CaptionEditor
from augment.debias.nouns import ADJECTIVES, NUMBERS, Mention, is_adjective, mention, noun_forms
from augment.debias.verbs import agree, determiners, singular_verbs
from augment.tables import words

_TWO = {"a": "two", "an": "two", "one": "two", "another": "two other"}
_BOTH_PERSONS = {"adult", "person"}  # neutral nouns that differ in "an adult male and a woman", who are two people
_WITHOUT_ARTICLE = frozenset({"child", "kid", "baby", "infant", "toddler", "boy", "girl", "dog", "cat"})
_CLAUSE_BEGINS = frozenset({
    "and", "as", "while", "when", "then", "by", "with", "where", "because", "but", "after", "before", "or", "if", "since",
})  # fmt: skip
MAX_ITEM = 4
"""Words of an item of a list, as in "a man, a woman, two small children and a dog"."""
_POSSESSIVE = frozenset({"my", "your", "his", "her", "our", "their", "its", "the", "these", "those"})


def merge_pairs(editor: CaptionEditor) -> None:
    """Merge every pair of persons in a caption, and put the verbs after it into the plural."""
    index, gendered, lower = 0, noun_forms(), editor.lower
    while index < len(lower):
        if lower[index] not in gendered:
            index += 1
            continue
        if lower[index] in ADJECTIVES and _merge_adjectives(editor, index):
            continue
        first = None if is_adjective(editor, index) else mention(editor, index)
        second = _partner(editor, first) if first else None
        if first and second and _belongs(editor, first, second):
            _merge(editor, first, second)
        else:
            index += 1


def _merge_adjectives(editor: CaptionEditor, index: int) -> bool:
    """Remove "male and female" or "a male and a female" at `index` before a noun; return whether it was there.

    After "a ... and ..." the noun becomes plural: "a male and female voice" -> "two voices".
    """
    if editor.at(index + 1) not in ("and", "or", "to"):
        return False
    second = index + 2 + (editor.at(index + 2) in ("a", "an"))
    noun = second + 1
    if editor.at(second) not in ADJECTIVES or not is_adjective(editor, second, paired=True) or any(editor.kept[index:noun]):
        return False
    determiner = editor.at(index - 1) if editor.follows(index) else ""
    two = _TWO.get(determiner) if editor.lower[index + 1] == "and" else None
    if two and plural_noun(editor.lower[noun]):
        editor.replace(index - 1, noun + 1, f"{two} {plural_noun(editor.lower[noun])}", "pair")
    else:
        editor.replace(index, noun + 1, editor.words[noun], "adjective")
    return True


def plural_noun(noun: str) -> str | None:
    """Return the plural of a noun that can follow "male" and be counted; `None` for other nouns.

    >>> plural_noun("voice"), plural_noun("child"), plural_noun("laughter")
    ('voices', 'children', None)
    """
    plural = {"child": "children", "baby": "babies", "person": "people"}.get(noun, noun + "s")
    return plural if plural in words("debias_followers") or (noun.endswith(("er", "or", "ist")) and noun != "laughter") else None


def _partner(editor: CaptionEditor, first: Mention) -> Mention | None:
    """Return the person that "and", "or", a comma or a sign joins to `first`; `None` when there is none."""
    start = first.head + 1
    if start >= len(editor.words) or first.suffix:
        return None
    gap = editor.gaps[start].strip()
    if not gap and editor.lower[start] in ("and", "or"):
        start += 1
    elif gap not in (",", "/", "&", "+"):
        return None
    for head in range(start, min(start + 5, len(editor.words))):
        person = None if is_adjective(editor, head, paired=True) else mention(editor, head)
        if person is not None:
            return person if person.start == start and (gap != "," or _ends_list(editor, head)) else None
    return None


def _ends_list(editor: CaptionEditor, head: int) -> bool:
    """Return whether "and" or a further item of a list follows the person at `head`: a comma joins persons only in a list."""
    after = head + 1
    if editor.at(after) == "and":
        return editor.gaps[after].strip() in ("", ",") and editor.at(after + 1) not in singular_verbs() | _CLAUSE_BEGINS
    if after >= len(editor.words) or editor.gaps[after].strip() != "," or editor.at(after) not in determiners():
        return False
    for last in range(after, min(after + MAX_ITEM, len(editor.words) - 1)):
        if editor.at(last) in singular_verbs() or editor.at(last).endswith("ing"):
            return False
        if editor.gaps[last + 1].strip() == "," or editor.at(last + 1) == "and":
            return _ends_list(editor, last)
    return False


def _belongs(editor: CaptionEditor, first: Mention, second: Mention) -> bool:
    """Return whether two persons in a row are one subject or one object, which a plural can name."""
    if first.noun.singular != second.noun.singular and {first.noun.singular, second.noun.singular} != _BOTH_PERSONS:
        return False
    shared = not second.determiner and not second.adjectives
    if not (shared or first.adjectives == second.adjectives) or second.determiner == "another":
        return False
    if first.determiner in ("another", "other") and second.determiner:
        return False
    verb = editor.at(second.head + 1)
    if second.determiner in ("a", "an") and verb in singular_verbs():
        # "A dog barks at a man and a woman laughs" names two subjects.
        before = editor.at(first.start - 1)
        return not before or not editor.follows(first.start) or before in _CLAUSE_BEGINS
    return True


def _merge(editor: CaptionEditor, first: Mention, second: Mention) -> None:
    """Replace two persons by a plural; replace "a man or a woman" by the first person alone."""
    either = editor.lower[first.head + 1] == "or" or editor.gaps[first.head + 1].strip() == "/"
    if either:
        noun = first.noun.plural if first.is_plural else first.noun.singular
        phrase = [first.determiner, *first.adjectives, noun + second.suffix]
    else:
        noun = second.noun.plural if first.noun.singular == second.noun.singular else "people"
        ending = "'" if second.suffix and noun.endswith("s") else second.suffix
        phrase = [_determiner(first, second), *first.adjectives, noun + ending]
    editor.replace(first.start, second.head + 1, " ".join(filter(None, phrase)), "either" if either else "pair")
    if editor.at(first.start + 1) == "and" and editor.at(first.start + 2) in _WITHOUT_ARTICLE and first.determiner != "the":
        editor.insert(first.start + 2, "an" if editor.at(first.start + 2) == "infant" else "a")
    if not either and editor.at(first.start + 1) == "and" and editor.gaps[first.start + 1] == ", ":
        editor.gaps[first.start + 1] = " "  # of three items, two are left
    if not either and not second.suffix:
        agree(editor, first.start + 1, known=True)


def _determiner(first: Mention, second: Mention) -> str:
    """Return the determiner of both persons together: their sum when both are counted, else the less exact determiner."""
    if first.determiner in _POSSESSIVE and second.determiner in ("", first.determiner):
        both = first.determiner == "the" and not first.is_plural and not second.is_plural
        return "the two" if both else first.determiner
    if first.determiner == "another":
        return "two other"
    n_first, n_second = _count(first), _count(second)
    if n_first and n_second:
        total = n_first + n_second
        return NUMBERS[total] if total < len(NUMBERS) and not first.determiner.isdigit() else str(total)
    if n_first and n_second is None:
        return "several" if n_first > 1 else _vague(second)
    return _vague(first)


def _count(person: Mention) -> int | None:
    """Return the number of persons that a mention names; `None` for a plural without a number."""
    if person.determiner.isdigit():
        return int(person.determiner)
    if person.determiner in NUMBERS:
        return NUMBERS.index(person.determiner)
    return None if person.is_plural else 1


def _vague(person: Mention) -> str:
    """Return the determiner of a plural, and an empty one for a single person."""
    return person.determiner if person.is_plural else ""
