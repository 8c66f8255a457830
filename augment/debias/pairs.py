"""Two people named side by side -> one plural: "a man and a woman" -> "two people", "two men and a woman" -> "three people"."""

from __future__ import annotations

from augment.debias.caption_editor import CaptionEditor
from augment.debias.nouns import ADJECTIVES, NUMBERS, Mention, is_adjective, mention
from augment.debias.verbs import agree, singular_verbs
from augment.tables import words

_TWO = {"a": "two", "an": "two", "one": "two", "another": "two other"}
_ALIKE = {"adult", "person"}  # "an adult male and a woman" are two people
_BARE = frozenset({"child", "kid", "baby", "infant", "toddler", "boy", "girl", "dog", "cat"})
_CLAUSE_BEGINS = frozenset({
    "and", "as", "while", "when", "then", "by", "with", "where", "because", "but", "after", "before", "or", "if", "since",
})  # fmt: skip
_POSSESSIVE = frozenset({"my", "your", "his", "her", "our", "their", "its", "the", "these", "those"})


def merge_pairs(editor: CaptionEditor) -> None:
    """Merge the pairs of a editor, and put the verbs that follow into the plural."""
    index = 0
    while index < len(editor.words):
        if editor.lower[index] in ADJECTIVES and _merge_adjectives(editor, index):
            continue
        first = None if is_adjective(editor, index) else mention(editor, index)
        second = _partner(editor, first) if first else None
        if first and second and _belongs(editor, first, second):
            _merge(editor, first, second)
        else:
            index += 1


def _merge_adjectives(editor: CaptionEditor, index: int) -> bool:
    """Take out "male and female" or "a male and a female" before a noun, which becomes plural where it was two; whether it stood there."""
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
    """Return the plural of a noun that can be counted and follows "male"; `None` of any other.

    >>> plural_noun("voice"), plural_noun("child"), plural_noun("laughter")
    ('voices', 'children', None)
    """
    plural = {"child": "children", "baby": "babies", "person": "people"}.get(noun, noun + "s")
    return plural if plural in words("debias_followers") or (noun.endswith(("er", "or", "ist")) and noun != "laughter") else None


def _partner(editor: CaptionEditor, first: Mention) -> Mention | None:
    """Return the mention that is joined to `first`, if one is."""
    at = first.head + 1
    if at >= len(editor.words) or first.suffix:
        return None
    gap = editor.gaps[at].strip()
    if not gap and editor.lower[at] in ("and", "or"):
        at += 1
    elif gap not in (",", "/", "&", "+"):
        return None
    for head in range(at, min(at + 5, len(editor.words))):
        found = None if is_adjective(editor, head, paired=True) else mention(editor, head)
        if found is not None:
            return found if found.start == at and (gap != "," or _ends_list(editor, head)) else None
    return None


def _ends_list(editor: CaptionEditor, head: int) -> bool:
    """Whether "and" follows: a comma joins persons only in a list."""
    return editor.at(head + 1) == "and" and editor.at(head + 2) not in singular_verbs()


def _belongs(editor: CaptionEditor, first: Mention, second: Mention) -> bool:
    """Whether two mentions side by side are one subject or object that a plural can name."""
    if first.noun.one != second.noun.one and {first.noun.one, second.noun.one} != _ALIKE:
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
    """Put one plural in the place of two mentions; after "or", the first of them without the second."""
    either = editor.lower[first.head + 1] == "or" or editor.gaps[first.head + 1].strip() == "/"
    if either:
        noun = first.noun.many if first.plural else first.noun.one
        phrase = [first.determiner, *first.adjectives, noun + second.suffix]
    else:
        noun = second.noun.many if first.noun.one == second.noun.one else "people"
        ending = "'" if second.suffix and noun.endswith("s") else second.suffix
        phrase = [_determiner(first, second), *first.adjectives, noun + ending]
    editor.replace(first.start, second.head + 1, " ".join(filter(None, phrase)), "either" if either else "pair")
    if editor.at(first.start + 1) == "and" and editor.at(first.start + 2) in _BARE and first.determiner != "the":
        editor.insert(first.start + 2, "an" if editor.at(first.start + 2) == "infant" else "a")
    if not either and not second.suffix:
        agree(editor, first.start + 1, known=True)


def _determiner(first: Mention, second: Mention) -> str:
    """Return what says how many: the sum where both are counted, else the vaguer of the two."""
    if first.determiner in _POSSESSIVE and second.determiner in ("", first.determiner):
        both = first.determiner == "the" and not first.plural and not second.plural
        return "the two" if both else first.determiner
    if first.determiner == "another":
        return "two other"
    one, two = _count(first), _count(second)
    if one and two:
        spelt = one + two < len(NUMBERS) and not first.determiner.isdigit()
        return NUMBERS[one + two] if spelt else str(one + two)
    if one and two is None:
        return "several" if one > 1 else _vague(second)
    return _vague(first)


def _count(found: Mention) -> int | None:
    """Return how many persons a mention names; `None` when it does not say."""
    if found.determiner.isdigit():
        return int(found.determiner)
    if found.determiner in NUMBERS:
        return NUMBERS.index(found.determiner)
    if found.plural:
        return None
    return 1


def _vague(found: Mention) -> str:
    """Return the determiner of persons who are not counted."""
    return found.determiner if found.plural else ""
