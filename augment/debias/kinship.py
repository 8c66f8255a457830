"""Give parents that are called like a name an article: "Mum calls" -> "a mum calls", which becomes "a parent calls"."""

from __future__ import annotations

from augment.debias.caption_editor import CaptionEditor
from augment.debias.keep import KIN
from augment.debias.nouns import mention
from augment.debias.verbs import determiners, singular_verbs
from augment.tables import rows


def introduce_kin(editor: CaptionEditor) -> None:
    """Put "a" before every parent without a determiner that is the subject of a verb, or follows a verb or a preposition."""
    index = 0
    while index < len(editor.words):
        person = mention(editor, index) if editor.lower[index] in KIN else None
        if person is not None and person.start == index and _stands_like_a_name(editor, index):
            _introduce(editor, index)
            index += 1
        index += 1


def _stands_like_a_name(editor: CaptionEditor, index: int) -> bool:
    before, after = editor.at(index - 1), editor.at(index + 1)
    if editor.follows(index) and (before in determiners() or before in ("and", "or")) and after not in singular_verbs():
        return False
    acts = editor.follows(index + 1) and after in singular_verbs()
    return acts or (editor.follows(index) and (before in singular_verbs() or before in _prepositions()))


def _introduce(editor: CaptionEditor, index: int) -> None:
    word = editor.words[index]
    editor.insert(index, "A" if word[0].isupper() and index == 0 else "a")
    editor.words[index + 1] = word.lower()


def _prepositions() -> frozenset[str]:
    return frozenset(word for word, kind in rows("function_words") if kind == "preposition")
