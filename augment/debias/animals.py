"""Keep the words of gender in a caption about animals alone: "a male frog calls a female", "a bull and his cows"."""

from __future__ import annotations

from functools import cache

from augment.debias.caption_editor import CaptionEditor
from augment.debias.pronouns import is_object
from augment.tables import rows, words

SEXES = frozenset({
    "male", "female", "males", "females", "mother", "father", "mothers", "fathers", "mom", "mama", "papa", "boy", "girl", "lady",
})  # fmt: skip
"""Words that may stand before an animal, of which they then tell the sex."""
_PRONOUNS = frozenset({"he", "she", "his", "himself", "herself"})


def keep_animals(editor: CaptionEditor) -> None:
    """Mark the words of gender of a caption that names an animal and no person. Pronouns before its animal mean somebody else.

    What is already marked before an animal ("male frog") tells that other males and females are animals, too.
    """
    species = words("debias_species")
    first = next((index for index, word in enumerate(editor.lower) if word in species), None)
    if first is None or any(_is_person(editor, index) for index in range(len(editor.words))):
        return
    for index, word in enumerate(editor.lower):
        own = word in _PRONOUNS or (word == "her" and not is_object(editor, index))
        if word in SEXES or (own and index > first):
            editor.kept[index] = True


def _is_person(editor: CaptionEditor, index: int) -> bool:
    word = editor.lower[index].removesuffix("'s")
    if word in ("male", "female", "males", "females"):
        return not editor.kept[index] and not any(kept for kept, each in zip(editor.kept, editor.lower, strict=True) if each in SEXES)
    return word in words("debias_persons") or (not editor.kept[index] and word in _nouns_of_gender())


@cache
def _nouns_of_gender() -> frozenset[str]:
    return frozenset(word for row in rows("debias_nouns") for word in row[1:3])
