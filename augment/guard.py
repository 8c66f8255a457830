"""Check that a generated caption names all of its keywords, says nothing else, and says nothing that sounds do not do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise

import sentencex

from augment.guard_clauses import begins_implausibly, is_implausible, is_statement
from augment.guard_tokens import NOUN, VERB, Token, parse
from augment.guard_words import allowed_stems, grammar, is_allowed, names_of, own_words, stem, stems_of, synonyms_of, words_of
from augment.ontology import most_specific
from augment.tables import rows
from augment.templates import label_words

MIN_WORDS, MAX_WORDS = 3, 30

RULES = ("length", "sentences", "repetition", "uncovered", "unsupported", "statement", "implausible")

_STRAY = re.compile(r"[|<>{}\[\]_\\=*#?\"“”()]")  # signs of a repeated prompt, of markup, questions and quotations


def check(caption: str, keywords: Sequence[str]) -> str | None:
    """Return the name of the first of `RULES` that a caption breaks; `None` when it breaks none.

    length: 3 to 30 words. sentences: exactly one sentence, without questions, quotations and signs of markup. repetition: no word of
    content more often than keywords hold it, no word twice in a row, no pair of words twice. uncovered: every keyword is named, by all
    words of one of its names or their synonyms, in the part of speech it has; a class above another keyword's need not be. unsupported:
    every word of content belongs to the keywords, their synonyms, the words that `guard_supports.tsv` allows for them, or the fillers;
    numbers, negations and words of size, place and quality are words of content. statement: it says what happens, not what something is.
    implausible: something does what the tables do not list for it. Words are compared by stem.

    >>> check("A dog barks while rain falls", ["Dog", "Bark", "Rain"])
    >>> check("A dog barks at a teddy bear", ["Dog", "Bark"])
    'unsupported'
    >>> check("A dog is heard", ["Dog", "Siren"])
    'uncovered'
    >>> check("A siren is a dog", ["Dog", "Siren"]), check("A siren barks at night", ["Bark", "Siren", "Night"])
    ('statement', 'unsupported')
    """
    written = [word.removesuffix("'s") for word in words_of(caption)]
    if not MIN_WORDS <= len(written) <= MAX_WORDS:
        return "length"
    segments = sentencex.segment("en", caption)
    if _STRAY.search(caption) or sum(bool(re.search(r"[^\W_]", sentence)) for sentence in segments) != 1:
        return "sentences"
    content = [word for word in written if word not in grammar()]
    if _repeats(written, content, keywords):
        return "repetition"
    tokens = parse(caption)
    if not content or unnamed(tokens, keywords):
        return "uncovered"
    if not _supported(caption, content, written, tuple(keywords)):
        return "unsupported"
    if is_statement(tokens):
        return "statement"
    return "implausible" if is_implausible(tokens, keywords) else None


def cannot_be_mended(beginning: str, keywords: Sequence[str]) -> bool:
    """Return whether a sentence that begins so breaks a rule whatever follows: it repeats words, or a clause before "and" breaks one.

    >>> cannot_be_mended("A siren barks and", ["Siren", "Bark"]), cannot_be_mended("A siren", ["Siren", "Bark"])
    (True, False)
    """
    written = words_of(beginning)
    if _repeats(written, [word for word in written if word not in grammar()], keywords):
        return True
    tokens = parse(beginning)
    if tokens and tokens[-1].part == "conjunction" and len(tokens) > 2:
        return is_statement(tokens[:-1]) or is_implausible(tokens[:-1], keywords)
    return begins_implausibly(tokens, keywords)


def unnamed(tokens: Sequence[Token], keywords: Sequence[str]) -> list[str]:
    """Return the keywords that a caption does not name, without those that stand above another in the ontology."""
    pieces = _pieces(tokens)
    return [keyword for keyword in most_specific(keywords) if not _is_named(keyword, pieces if "and" not in _own(keyword) else [tokens])]


def _is_named(keyword: str, pieces: Sequence[Sequence[Token]]) -> bool:
    names = names_of(keyword)
    return not names or any(_covered(name, piece, _own(keyword)) for name in names for piece in pieces)


def _pieces(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return what stands between commas and conjunctions: words of one name stand in one piece."""
    pieces: list[list[Token]] = [[]]
    for token in tokens:
        if token.part in ("comma", "conjunction"):
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


@lru_cache(maxsize=16_384)
def _own(keyword: str) -> frozenset[str]:
    """Return the words of a keyword; "or" counts as "and"."""
    return frozenset("and" if word == "or" else word for word in words_of(label_words(keyword)))


def _covered(name: tuple[str, ...], tokens: Sequence[Token], own: frozenset[str]) -> bool:
    """Return whether every word of a name is in a piece of a caption, itself or by a synonym, as the part of speech it has in keywords.

    Words of one name stand side by side: "a man speaks", "the horn of a car"; not "a baby laughs with a belly" for a belly laugh.
    """
    present = stems_of(token.word for token in tokens)
    options = [(word, word.replace("-", ""), *synonyms_of(word)) for word in name]
    if not all(
        any(_stands(option, present, tokens) for option in options[index])
        or ("-" in word and all(stem(part) in present for part in word.split("-")))
        for index, word in enumerate(name)
    ):
        return False
    stems = frozenset(stem(option) for words in options for option in words)
    uses = [index for index, token in enumerate(tokens) if token.stem in stems]
    between = tokens[uses[0] : uses[-1]] if uses else ()
    return not any(token.part == "preposition" and token.word not in ("of", *own) for token in between)


def _stands(word: str, present: frozenset[str], tokens: Sequence[Token]) -> bool:
    """Return whether a word stands in a caption as the part of speech that `guard_senses.tsv` gives it, if any."""
    if stem(word) not in present:
        return False
    part = _senses().get(word)
    uses = [token for token in tokens if token.stem == stem(word)]
    if part is None or not uses:
        return True
    if part == VERB:  # "the pant of a dog" is panting, "pants" are clothes
        return any(token.part != NOUN or not token.word.endswith("s") for token in uses)
    return any(token.part == NOUN for token in uses)


@cache
def _senses() -> dict[str, str]:
    """Return word of a keyword -> its part of speech, for words that mean another thing as another."""
    return {row[0]: row[1] for row in rows("guard_senses")}


def _supported(caption: str, content: Sequence[str], written: Sequence[str], keywords: tuple[str, ...]) -> bool:
    """Return whether the keywords bring all words of content; "can be heard" counts as a word of grammar."""
    allowed = allowed_stems(keywords)
    own = frozenset().union(*map(_own, keywords)) | {word for keyword in keywords for word in words_of(label_words(keyword))}
    halves = {word for pair in pairwise(written) if stem("".join(pair)) in allowed for word in pair}  # "door bell"
    heard = {"can", "be"} if caption.lower().count("can be heard") == written.count("can") == written.count("be") else set()
    return all(word in halves or word in own or word in heard or is_allowed(word, allowed) for word in content)


def _repeats(written: Sequence[str], content: Sequence[str], keywords: Sequence[str]) -> bool:
    """Return whether a word of content stands more often than keywords hold it, a word twice in a row, or a pair of words twice."""
    for word, count in Counter(map(stem, content)).items():
        if count > 1 and count > sum(word in own_words(keyword) for keyword in most_specific(keywords)):
            return True
    pairs = list(pairwise(written))
    with_content = [pair for pair in pairs if not grammar().keys() >= set(pair)]
    return any(first == second for first, second in pairs) or len(set(with_content)) < len(with_content)
