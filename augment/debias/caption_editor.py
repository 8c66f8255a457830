"""A caption under correction: its words, the gaps between them, and the list of what was changed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|\d+")


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement: the rule that made it, the words before and after."""

    rule: str
    before: str
    after: str


@dataclass(slots=True)
class CaptionEditor:
    """Words and gaps of one caption; lives within one call of `debias` and is edited in place.

    `gaps[i]` stands before `words[i]`, `gaps[-1]` after the last. `lower` are the words to look up, with straight
    apostrophes. A word that is `kept` is not looked at again; one that is `touched` is new, or follows something taken out.
    """

    words: list[str]
    gaps: list[str]
    lower: list[str]
    kept: list[bool]
    touched: list[bool]
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> CaptionEditor:
        """Take a text apart."""
        found = list(WORD.finditer(text))
        edges = [0, *(edge for match in found for edge in match.span()), len(text)]
        gaps = [text[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)]
        words = [match[0] for match in found]
        lower = [plain(word) for word in words]
        return cls(words, gaps, lower, [False] * len(words), [False] * len(words))

    def text(self) -> str:
        """Put the text together again."""
        pieces = [piece for pair in zip(self.gaps, self.words, strict=False) for piece in pair]
        return "".join((*pieces, self.gaps[-1]))

    def at(self, index: int) -> str:
        """Return the word to look up at `index`; empty outside the text."""
        return self.lower[index] if 0 <= index < len(self.lower) else ""

    def follows(self, index: int) -> bool:
        """Whether the word at `index` follows the one before it with nothing but a blank between."""
        return 0 < index < len(self.words) and self.gaps[index] == " "

    def span(self, start: int, stop: int) -> str:
        """Return the text of the words from `start` to before `stop`."""
        between = zip(self.gaps[start + 1 : stop], self.words[start + 1 : stop], strict=True)
        return self.words[start] + "".join(gap + word for gap, word in between)

    def replace(self, start: int, stop: int, after: str, rule: str) -> None:
        """Put `after` in the place of the words from `start` to before `stop`, in the case of the first of them."""
        before, cased = self.span(start, stop), in_case_of(self.words[start], after)
        self.changes.append(Change(rule, before, cased))
        self.words[start:stop] = [cased]
        self.gaps[start + 1 : stop] = []
        self.lower[start:stop] = [plain(cased)]
        self.kept[start:stop] = [True]
        self.touched[start:stop] = [True]

    def drop(self, index: int, rule: str) -> None:
        """Take out the word at `index`, which another word follows; a capital goes on to that word."""
        self.changes.append(Change(rule, self.span(index, index + 2), self.words[index + 1]))
        if self.words[index][0].isupper() and not self.words[index - 1 : index]:
            self.words[index + 1] = self.words[index + 1][0].upper() + self.words[index + 1][1:]
        del self.gaps[index + 1]
        for column in (self.words, self.lower, self.kept, self.touched):
            del column[index]
        self.touched[index] = True

    def insert(self, index: int, word: str) -> None:
        """Put a word before the one at `index`."""
        self.gaps.insert(index + 1, " ")
        self.words.insert(index, word)
        self.lower.insert(index, word)
        self.kept.insert(index, True)
        self.touched.insert(index, False)


def plain(word: str) -> str:
    """Return a word as tables hold it: lower case, straight apostrophe."""
    return word.lower().replace("’", "'")


def in_case_of(model: str, word: str) -> str:
    """Return `word` capitalised like `model`.

    >>> in_case_of("Woman", "person"), in_case_of("POLICEMAN", "police officer"), in_case_of("A", "two people")
    ('Person', 'POLICE OFFICER', 'Two people')
    """
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[0].upper() + word[1:] if model[0].isupper() else word
