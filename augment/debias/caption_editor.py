"""Edit a caption word by word, and record every change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|\d+")
_AROUND_WORDS = re.compile(f"({WORD.pattern})")


@dataclass(frozen=True, slots=True)
class Change:
    """A replacement: the name of the rule, the words before and the words after."""

    rule: str
    before: str
    after: str


@dataclass(slots=True)
class CaptionEditor:
    """The words of a caption and the gaps between them, edited in place within one call of `debias`.

    `gaps[i]` stands before `words[i]`, `gaps[-1]` after the last word. `lower` holds the words in small letters with
    straight apostrophes, for tables. A word that is `kept` is not changed again. A word that is `touched` is new, or the
    word before it was removed. `changes` lists the replacements in the order in which they were made.
    """

    words: list[str]
    gaps: list[str]
    lower: list[str]
    kept: list[bool]
    touched: list[bool]
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> CaptionEditor:
        """Split a text into words and gaps."""
        pieces = _AROUND_WORDS.split(text)
        words, gaps = pieces[1::2], pieces[::2]
        lower = [word.lower() for word in words] if text.isascii() else [plain(word) for word in words]
        return cls(words, gaps, lower, [False] * len(words), [False] * len(words))

    def text(self) -> str:
        """Return the text with all changes."""
        pieces = [""] * (2 * len(self.words) + 1)
        pieces[::2], pieces[1::2] = self.gaps, self.words
        return "".join(pieces)

    def at(self, index: int) -> str:
        """Return the word at `index` in small letters; empty outside the caption."""
        return self.lower[index] if 0 <= index < len(self.lower) else ""

    def follows(self, index: int) -> bool:
        """Return whether only a blank stands between the word at `index` and the word before it."""
        return 0 < index < len(self.words) and self.gaps[index] == " "

    def span(self, start: int, stop: int) -> str:
        """Return the text from the word at `start` to the word before `stop`."""
        between = zip(self.gaps[start + 1 : stop], self.words[start + 1 : stop], strict=True)
        return self.words[start] + "".join(gap + word for gap, word in between)

    def replace(self, start: int, stop: int, after: str, rule: str) -> None:
        """Replace the words from `start` to before `stop` by `after`, capitalised like the first of them."""
        before, cased = self.span(start, stop), in_case_of(self.words[start], after)
        self.changes.append(Change(rule, before, cased))
        self.words[start:stop] = [cased]
        self.gaps[start + 1 : stop] = []
        self.lower[start:stop] = [plain(cased)]
        self.kept[start:stop] = [True]
        self.touched[start:stop] = [True]

    def drop(self, index: int, rule: str) -> None:
        """Remove the word at `index`, which another word must follow. At the beginning that word gets the capital."""
        self.changes.append(Change(rule, self.span(index, index + 2), self.words[index + 1]))
        if index == 0 and self.words[index][0].isupper():
            self.words[index + 1] = self.words[index + 1][0].upper() + self.words[index + 1][1:]
        del self.gaps[index + 1]
        for column in (self.words, self.lower, self.kept, self.touched):
            del column[index]
        self.touched[index] = True

    def insert(self, index: int, word: str) -> None:
        """Insert a word and a blank before the word at `index`."""
        self.gaps.insert(index + 1, " ")
        self.words.insert(index, word)
        self.lower.insert(index, plain(word))
        self.kept.insert(index, True)
        self.touched.insert(index, False)


def plain(word: str) -> str:
    """Return a text as tables hold it: small letters, straight apostrophes."""
    return word.lower().replace("’", "'")


def in_case_of(model: str, word: str) -> str:
    """Return `word` capitalised like `model`.

    >>> in_case_of("Woman", "person"), in_case_of("POLICEMAN", "police officer"), in_case_of("A", "two people")
    ('Person', 'POLICE OFFICER', 'Two people')
    """
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[0].upper() + word[1:] if model[0].isupper() else word
