"""Let a model write only words that its keywords allow, and end only where the guard accepts the sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from augment.debias.verbs import third_person
from augment.guard import cannot_be_mended, check, unnamed
from augment.guard_clauses import possible_prepositions
from augment.guard_tokens import is_verb, parse
from augment.guard_words import brought_by, grammar, names_of, stem, words_of
from augment.ontology import most_specific
from augment.tables import words
from augment.templates import label_words

_WRITTEN = frozenset({"a", "an", "the", "and", "while", "with", "of", "is", "are", "in", "on", "into", "from", "over", "by", "down"})
"""The words of grammar that a model may write, fewer than the guard accepts: small models go astray with more."""


class Node:
    """A place in the tree of the tokens of all words that may be written; `complete` where a word may end."""

    __slots__ = ("children", "complete")

    def __init__(self) -> None:
        self.children: dict[int, Node] = {}
        self.complete = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What a sentence may go on with: the place within its last word, the words so far; `None` as node after its full stop."""

    node: Node | None
    tokens: tuple[int, ...] = ()


def words_to_write(keywords: Sequence[str]) -> list[str]:
    """Return the words that a caption of keywords may hold, sorted: those of grammar, fillers, what the keywords bring, in all forms.

    >>> [word for word in words_to_write(["Howl"]) if word.startswith("how")]
    ['howl', 'howling', 'howls']
    """
    brought = brought_by(tuple(keywords))
    own = {word for keyword in keywords for word in words_of(label_words(keyword))}
    possible = possible_prepositions(frozenset(map(stem, brought)))
    joining = {word for word in grammar() if word in own or (word in _WRITTEN and (grammar()[word] != "preposition" or word in possible))}
    named = {word.capitalize() if word.capitalize() in words("proper_words") else word for word in brought}
    return sorted({form for word in named for form in forms(word)} | joining | words("guard_fillers"))


def forms(word: str) -> Iterator[str]:
    """Yield a word, its plural or third person, and of a verb its participle in the present.

    >>> sorted(forms("clap")), sorted(forms("cry")), sorted(forms("siren"))
    (['clap', 'clapping', 'claps'], ['cries', 'cry', 'crying'], ['siren', 'sirens'])
    """
    yield word
    if not word.isalpha() or len(word) < 3 or word.endswith("ing"):
        return
    if not word.endswith("s"):
        yield third_person(word)
    if is_verb(word):
        yield participle(word)


def participle(verb: str) -> str:
    """Return the participle of a verb in the present.

    >>> [participle(verb) for verb in ("bark", "clap", "write", "cry", "blow", "whisper")]
    ['barking', 'clapping', 'writing', 'crying', 'blowing', 'whispering']
    """
    if verb.endswith("e") and verb[-2:-1] not in "eoy":
        return verb[:-1] + "ing"
    doubled = len(verb) < 6 and re.search(r"(?:^|[^aeiou])[aeiou][^aeiouywx]$", verb)
    return verb + (verb[-1] if doubled else "") + "ing"


def tree(spelled: Iterable[tuple[int, ...]]) -> Node:
    """Return the tree of the tokens of words."""
    root = Node()
    for tokens in spelled:
        node = root
        for token in tokens:
            node = node.children.setdefault(token, Node())
        node.complete = True
    return root


class Vocabulary:
    """The words of a tokenizer: its tokens for a word that begins a text, for one within a text, and for marks."""

    def __init__(self, tokenizer: Any):
        self.tokenizer = tokenizer
        self.marks_words = self._tokens("a sound") == (*self._tokens("a"), *self._tokens("sound"))
        self.within = lru_cache(maxsize=65_536)(self._within)
        self.ends = frozenset(self._mark("."))
        self.commas = frozenset(self._mark(","))

    def first(self, word: str) -> Iterator[tuple[int, ...]]:
        """Yield the tokens of a word at the beginning of a text, with and without a capital."""
        yield from filter(None, map(self._tokens, (word, word.capitalize())))

    def _within(self, word: str) -> tuple[int, ...]:
        """Return the tokens of a word after another word; none where the tokenizer does not know it."""
        return self._tokens(word if self.marks_words else f" {word}")

    def _tokens(self, text: str) -> tuple[int, ...]:
        tokens = tuple(self.tokenizer(text, add_special_tokens=False).input_ids)
        return () if self.tokenizer.unk_token_id in tokens else tokens

    def _mark(self, mark: str) -> Iterator[int]:
        """Yield the token of a mark after a word."""
        with_mark, without = (self.tokenizer(text, add_special_tokens=False).input_ids for text in (f"a{mark}", "a"))
        if with_mark[: len(without)] == without and len(with_mark) == len(without) + 1:
            yield with_mark[-1]
        separate = self.tokenizer(mark, add_special_tokens=False).input_ids
        if len(separate) == 1 and separate[0] != self.tokenizer.unk_token_id:
            yield separate[0]


class Sentences:
    """Say with which tokens the sentences of one keyword set may go on."""

    def __init__(self, keywords: Sequence[str], vocabulary: Vocabulary, end: int):
        self.keywords = tuple(keywords)
        self.vocabulary = vocabulary
        self.end = end
        spelled = words_to_write(keywords)
        self.first = tree(tokens for word in spelled for tokens in vocabulary.first(word))
        self.within = tree(filter(None, map(vocabulary.within, spelled)))
        self.known: dict[tuple[int, ...], tuple[Progress, list[int]]] = {}
        self.naming = {keyword: self._first_tokens(keyword) for keyword in most_specific(keywords)}

    def next_tokens(self, tokens: tuple[int, ...]) -> list[int]:
        """Return the tokens that may follow; none where no sentence can come of it."""
        return self._known(tokens)[1]

    def wanted_tokens(self, tokens: tuple[int, ...]) -> set[int]:
        """Return the tokens that begin a word of a keyword that is not named yet."""
        node = self._known(tokens)[0].node
        if tokens and (node is None or not node.complete):
            return set()
        text = self.vocabulary.tokenizer.decode(tokens, skip_special_tokens=True)
        return {token for keyword in unnamed(parse(text), self.keywords) for token in self.naming[keyword]}

    def _first_tokens(self, keyword: str) -> set[int]:
        """Return the first tokens of the words that name a keyword, in all forms."""
        spelled = {form for name in names_of(keyword) for word in name for form in forms(word)}
        known = [self.vocabulary.within(word) for word in spelled] + [tokens for word in spelled for tokens in self.vocabulary.first(word)]
        return {tokens[0] for tokens in known if tokens}

    def are_one(self, tokens: Sequence[int]) -> bool:
        """Return whether tokens are a sentence with its end: a search without any way on gives others."""
        if self.end not in tokens:
            return False
        written = tuple(tokens[: tokens.index(self.end) + 1])
        return all(token in self.next_tokens(written[:index]) for index, token in enumerate(written))

    def _known(self, tokens: tuple[int, ...]) -> tuple[Progress, list[int]]:
        if tokens not in self.known:
            progress = self._after(tokens)
            self.known[tokens] = (progress, list(self._following(progress)))
        return self.known[tokens]

    def _after(self, tokens: tuple[int, ...]) -> Progress:
        if not tokens:
            return Progress(self.first)
        node = self._known(tokens[:-1])[0].node
        last = tokens[-1]
        if node is None or last in self.vocabulary.ends or last == self.end:
            return Progress(None, tokens)
        if last in self.vocabulary.commas:
            return Progress(self.within, tokens)
        following = node.children.get(last) or (self.within.children.get(last) if node.complete else None)
        return Progress(following, tokens)

    def _following(self, progress: Progress) -> Iterator[int]:
        if progress.node is None:
            yield self.end
            return
        yield from progress.node.children
        if not progress.node.complete:
            return
        text = self.vocabulary.tokenizer.decode(progress.tokens, skip_special_tokens=True)
        if cannot_be_mended(text, self.keywords):
            return
        yield from self.within.children
        yield from self.vocabulary.commas
        if check(text, self.keywords) is None:
            yield from (self.end, *self.vocabulary.ends)
