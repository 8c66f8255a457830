"""Pronouns of gender -> "they", "them", "their", with the verbs that agree."""

from __future__ import annotations

import re
from functools import cache

from augment.debias.caption_editor import CaptionEditor
from augment.debias.verbs import AUXILIARIES, agree, function_words, singular_verbs
from augment.tables import rows, words

_SUBJECTS = frozenset({"he", "she"})
_REFLEXIVES = frozenset({"himself", "herself"})
_PERCEPTION = re.compile(r"(see|hear|watch|make|let|help|record|film|startl|scar)(s|es|ing|ed|d)?$|heard|saw|made|seen")
_DESCRIPTIVE = frozenset({"lovely", "early", "friendly", "lonely", "elderly", "only", "daily", "family", "ugly", "silly", "holy", "belly"})
_CONTRACTED_HAVE = re.compile(r"(been|got|gone|done|had|[^l]ed)$")


def replace_pronouns(draft: CaptionEditor) -> None:
    """Replace every pronoun of gender."""
    for index, word in enumerate(draft.lower):
        if draft.kept[index]:
            if word == "they" and draft.touched[index]:
                agree(draft, index + 1, known=False)
            continue
        base, mark, ending = word.partition("'")
        if base in _SUBJECTS:
            _subject(draft, index, mark + ending)
        elif word in _REFLEXIVES:
            draft.replace(index, index + 1, "themselves", "pronoun")
        elif word == "him":
            draft.replace(index, index + 1, "them", "pronoun")
        elif word == "his":
            stands_alone = _stands_alone(draft, index)
            draft.replace(index, index + 1, "theirs" if stands_alone else "their", "possessive")
        elif word == "hers":
            draft.replace(index, index + 1, "theirs", "possessive")
        elif word == "her":
            is_object = _is_object(draft, index)
            draft.replace(index, index + 1, "them" if is_object else "their", "pronoun" if is_object else "possessive")


def _subject(draft: CaptionEditor, index: int, ending: str) -> None:
    """Replace "he" or "she", also contracted with a verb, and put its verb into the plural."""
    after = draft.at(index + 1)
    if ending == "'s":
        draft.replace(index, index + 1, "they've" if _CONTRACTED_HAVE.search(after) else "they're", "pronoun")
        return
    draft.replace(index, index + 1, "they" + ending, "pronoun")
    before = draft.at(index - 1)
    if before in AUXILIARIES and draft.follows(index) and not draft.kept[index - 1]:
        draft.replace(index - 1, index, AUXILIARIES[before], "agreement")  # "is he" -> "are they"
    elif not ending:
        agree(draft, index + 1, known=False)


def _stands_alone(draft: CaptionEditor, index: int) -> bool:
    """Whether no noun follows, as in "a friend of his" or "is his"."""
    after = draft.at(index + 1)
    belongs = draft.at(index - 1) == "of" and after in singular_verbs()
    return belongs or not draft.follows(index + 1) or (after in function_words() and after not in ("near", "inside", "outside", "over"))


def _is_object(draft: CaptionEditor, index: int) -> bool:
    """Whether "her" is an object ("behind her") and not a possessive ("her dog")."""
    after, before = draft.at(index + 1), draft.at(index - 1)
    if not draft.follows(index + 1) or after in _following_an_object() or re.fullmatch(r"\d+", after):
        return True
    if after.endswith("ly") and after not in _DESCRIPTIVE and draft.at(index + 2) not in words("verbs"):
        return True
    acts = after in words("verbs") or after.endswith("ing")
    return acts and bool(_PERCEPTION.match(before)) and draft.at(index + 2) not in ("is", "was", "of", "are")


@cache
def _following_an_object() -> frozenset[str]:
    """Return the words that begin something new after an object."""
    return frozenset(word for word, kind in rows("function_words") if kind not in ("number", "quantity")) | {"another"}
