"""Replace pronouns of gender by "they", "them" and "their", and put their verbs into the plural."""

from __future__ import annotations

import re
from functools import cache

from augment.debias.caption_editor import CaptionEditor
from augment.debias.verbs import AUXILIARIES, agree, function_words, singular_verbs
from augment.tables import rows, words

_SUBJECTS = frozenset({"he", "she"})
_BEGINNINGS = ("he", "hi", "she", "they")
"""What every pronoun of gender begins with, and "they", which stands in its place."""
_REFLEXIVES = frozenset({"himself", "herself"})
_PERCEPTION = re.compile(r"(see|hear|watch|make|let|help|record|film|startl|scar)(s|es|ing|ed|d)?$|heard|saw|made|seen")
_DESCRIPTIVE = frozenset({"lovely", "early", "friendly", "lonely", "elderly", "daily", "family", "ugly", "silly", "holy", "belly"})
_CONTRACTED_HAVE = re.compile(r"(been|got|gone|done|had|[^l]ed)$")


def replace_pronouns(editor: CaptionEditor) -> None:
    """Replace every pronoun of gender."""
    for index, word in enumerate(editor.lower):
        if not word.startswith(_BEGINNINGS):
            continue
        if editor.kept[index]:
            if word == "they" and editor.touched[index]:
                agree(editor, index + 1, known=False)
            continue
        base, mark, ending = word.partition("'")
        if base in _SUBJECTS:
            _subject(editor, index, mark + ending)
        elif word in _REFLEXIVES:
            editor.replace(index, index + 1, "themselves", "pronoun")
        elif word == "him":
            editor.replace(index, index + 1, "them", "pronoun")
        elif word == "his":
            stands_alone = _stands_alone(editor, index)
            editor.replace(index, index + 1, "theirs" if stands_alone else "their", "possessive")
        elif word == "hers":
            editor.replace(index, index + 1, "theirs", "possessive")
        elif word == "her":
            acted_on = is_object(editor, index)
            editor.replace(index, index + 1, "them" if acted_on else "their", "pronoun" if acted_on else "possessive")


def _subject(editor: CaptionEditor, index: int, ending: str) -> None:
    """Replace "he" or "she" at `index` and put its verb into the plural; `ending` is a contracted verb such as "'s"."""
    after = editor.at(index + 1)
    if ending == "'s":
        editor.replace(index, index + 1, "they've" if _CONTRACTED_HAVE.search(after) else "they're", "pronoun")
        return
    editor.replace(index, index + 1, "they" + ending, "pronoun")
    before = editor.at(index - 1)
    if before in AUXILIARIES and editor.follows(index) and not editor.kept[index - 1]:
        editor.replace(index - 1, index, AUXILIARIES[before], "agreement")  # "is he" -> "are they"
    elif not ending:
        agree(editor, index + 1, known=False)


def _stands_alone(editor: CaptionEditor, index: int) -> bool:
    """Return whether no noun follows "his" at `index`, as in "a friend of his" or "is his"."""
    after = editor.at(index + 1)
    after_of = editor.at(index - 1) == "of" and after in singular_verbs()
    return after_of or not editor.follows(index + 1) or (after in function_words() and after not in ("near", "inside", "outside", "over"))


def is_object(editor: CaptionEditor, index: int) -> bool:
    """Return whether "her" at `index` is an object ("behind her") and not a possessive ("her dog")."""
    after, before = editor.at(index + 1), editor.at(index - 1)
    if not editor.follows(index + 1) or after in _following_an_object() or re.fullmatch(r"\d+", after):
        return True
    if after.endswith("ly") and after not in _DESCRIPTIVE and editor.at(index + 2) not in words("verbs"):
        return True
    acts = after in words("verbs") or after.endswith("ing")
    return acts and bool(_PERCEPTION.match(before)) and editor.at(index + 2) not in ("is", "was", "of", "are")


@cache
def _following_an_object() -> frozenset[str]:
    """Return the words that can follow an object, and cannot follow the possessive "her"."""
    return frozenset(word for word, kind in rows("function_words") if kind not in ("number", "quantity")) | {"another"}
