"""See who does what in a caption, by tables of what sounds and things do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from augment.guard_order import PRESENTING, is_broken_off, is_out_of_order
from augment.guard_tokens import EMPTY_VERBS, MODIFIER, NOUN, VERB, Token
from augment.guard_words import belong_together, follow_each_other, irregular_forms, own_words, related, stem
from augment.ontology import above, class_key
from augment.tables import rows

_FREE = frozenset({"with", "during", "amid", "amidst"})
_SOUNDS = frozenset(map(stem, ("sound", "noise", "audio", "recording")))
_PLACES = frozenset(map(stem, ("room", "hall", "space", "street", "outside", "inside")))


def is_statement(tokens: Sequence[Token]) -> bool:
    """Return whether a form of "be" says what something is: "a siren is a car". What happens ("is barking", "is heard") is none."""
    for index, token in enumerate(tokens):
        if token.part != "auxiliary":
            continue
        after = next((later for later in tokens[index + 1 :] if later.part not in ("adverb", "auxiliary")), None)
        before = tokens[index - 1] if index else None
        if before is not None and before.word in PRESENTING and (index == 1 or tokens[index - 2].part == "conjunction"):
            if after is None:
                return True
        elif after is None or after.part != VERB:
            return True
    return False


def is_implausible(tokens: Sequence[Token], keywords: Sequence[str]) -> bool:
    """Return whether something does, or is done, what the tables do not list, or words that are not connected stand together.

    Words of one keyword may stand together in any way. `guard_makers.tsv` lists who can do what, `guard_objects.tsv` what it can be done
    to, `guard_places.tsv` what may follow a preposition.
    """
    if not tokens or is_out_of_order(tokens) or is_broken_off(tokens) or _do_not_fit(tokens, keywords):
        return True
    own = frozenset().union(*map(own_words, keywords))
    return any(own.isdisjoint(nouns) for nouns in _alone(tokens))


def begins_implausibly(tokens: Sequence[Token], keywords: Sequence[str]) -> bool:
    """Return whether the beginning of a sentence is implausible, or a statement, whatever follows."""
    if not tokens or is_out_of_order(tokens[:-1]):
        return bool(tokens)
    last = tokens[-1].part
    if last not in (NOUN, MODIFIER, VERB) and is_out_of_order(tokens):
        return True
    if last in (NOUN, VERB, "article", "preposition") and is_statement(tokens):
        return True
    if last == "preposition" and not _may_join(tokens, len(tokens) - 1):
        return True
    if last in (NOUN, MODIFIER, "article"):  # the noun may have more words
        return any(not _fits("guard_makers", verb, noun, keywords) for verb, noun in _subjects(tokens[:-1]))
    return _do_not_fit(tokens[:-1], keywords)


def _do_not_fit(tokens: Sequence[Token], keywords: Sequence[str]) -> bool:
    return (
        any(not _fits("guard_makers", verb, noun, keywords) for verb, noun in _subjects(tokens))
        or any(not _fits("guard_objects", verb, noun, keywords) for verb, noun in _objects(tokens))
        or not all(_may_follow(tokens, index, keywords) for index, token in enumerate(tokens) if token.part == "preposition")
        or not all(_may_pair(*pair, keywords) for pair in _compounds(tokens))
    )


def _fits(table: str, verb: str, noun: str, keywords: Sequence[str]) -> bool:
    """Return whether a table lists a noun for a verb, or both belong together by the keywords."""
    listed = related(table).get(verb, frozenset())
    if noun in _PLACES and table == "guard_makers":
        return False
    if noun in listed or belong_together(verb, noun, keywords):
        return True
    classes = _classes(table).get(verb, frozenset())
    return "" in classes or any(noun in own_words(keyword) and classes & {class_key(keyword), *above(keyword)} for keyword in keywords)


@cache
def _classes(table: str) -> dict[str, frozenset[str]]:
    """Return stem of a verb -> the classes that the table lists after `*`; an empty one where `*` stands alone."""
    return {stem(verb): frozenset(name[1:].replace("_", " ") for name in others.split() if name[0] == "*") for verb, others in rows(table)}


def _subjects(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield (verb, noun) for everything that does something; passive verbs have their noun in `_objects`."""
    for index, token in enumerate(tokens):
        if token.part == MODIFIER:
            head = _head(tokens, index + 1)
            if token.stem not in EMPTY_VERBS and head:
                yield token.stem, head
        if token.part == VERB and token.stem not in EMPTY_VERBS and not _is_passive(tokens, index):
            yield from ((token.stem, noun) for noun in _nouns_before(tokens, index))
        if token.word == "of" and index and tokens[index - 1].stem in related("guard_makers") and _head(tokens, index + 1):
            yield tokens[index - 1].stem, _head(tokens, index + 1)


def _objects(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield (verb, noun) for everything that something is done to, in active and passive sentences."""
    for index, token in enumerate(tokens):
        if token.part != VERB:
            continue
        if _is_passive(tokens, index):
            yield from ((token.stem, noun) for noun in _nouns_before(tokens, index) if token.stem not in EMPTY_VERBS)
        else:
            head = _head(tokens, index + 1)
            if head:
                yield token.stem, head


def _is_passive(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a verb is a past participle after "be"."""
    before = next((token for token in reversed(tokens[:index]) if token.part != "adverb"), None)
    return before is not None and before.part == "auxiliary" and not tokens[index].word.endswith("ing")


def _head(tokens: Sequence[Token], start: int) -> str:
    """Return the stem of the last noun of the noun phrase that begins at an index; empty when none begins there."""
    head = ""
    for token in tokens[start:]:
        if token.part == NOUN:
            head = token.stem
        elif token.part not in ("article", MODIFIER) or head:
            break
    return head


def _nouns_before(tokens: Sequence[Token], index: int) -> Iterator[str]:
    """Yield the noun that a verb follows, and those joined to it by "and" where the verb is in the plural."""
    at = index - 1
    while at >= 0 and tokens[at].part != NOUN:
        at -= 1
    if at < 0:
        return
    yield _whole(tokens, at)
    verb = tokens[index].word
    auxiliary = next((token.word for token in reversed(tokens[:index]) if token.part == "auxiliary"), "")
    plural = auxiliary in ("are", "were") if verb.endswith(("ing", "ed")) or verb in irregular_forms() else not verb.endswith("s")
    while plural and at >= 0:
        while at >= 0 and (tokens[at].part in (NOUN, MODIFIER, "article") or tokens[at].word == "of"):
            at -= 1
        if at < 1 or (tokens[at].word != "and" and tokens[at].part != "comma"):
            return
        at -= 1 + (tokens[at - 1].part == "comma")
        if tokens[at].part != NOUN:
            return
        yield _whole(tokens, at)


def _whole(tokens: Sequence[Token], at: int) -> str:
    """Return the stem of a noun, or of what it belongs to by "of": of "the hand of a person" the hand, of "the sound of a dog" the dog."""
    start = at
    while start > 0 and tokens[start].part in (NOUN, MODIFIER, "article"):
        start -= 1
    if start and tokens[start].word == "of" and tokens[start - 1].part == NOUN and tokens[start - 1].stem not in _SOUNDS:
        return tokens[start - 1].stem
    return tokens[at].stem


def _may_follow(tokens: Sequence[Token], index: int, keywords: Sequence[str]) -> bool:
    """Return whether what follows a preposition may follow it."""
    word, head = tokens[index].word, _head(tokens, index + 1)
    if any(word in keyword.lower().split() for keyword in keywords):
        return True
    if not head:
        return word == "by" and index > 0 and tokens[index - 1].stem == stem("pass")
    if word == "of":
        sound = tokens[index - 1].stem
        return sound in _SOUNDS or head in related("guard_makers").get(sound, frozenset())
    if not _may_join(tokens, index):
        return False
    return word in _FREE or head in related("guard_places").get(stem(word), frozenset())


def _may_join(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a preposition may follow what stands before it.

    "with" joins two sounds ("a dog barks with music"), not two things ("a bicycle with a hand"); "of" follows a sound, "by" something done.
    """
    word, before = tokens[index].word, tokens[index - 1] if index else None
    if word in _FREE:
        return any(token.part == VERB for token in tokens[:index])
    if word == "by":
        return before is not None and before.part == VERB
    return True


def possible_prepositions(stems: frozenset[str]) -> frozenset[str]:
    """Return the prepositions that may stand before one of some words."""
    listed = {word for word, nouns in rows("guard_places") if not stems.isdisjoint(map(stem, nouns.split()))}
    return _FREE | {"of"} | listed


def _compounds(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield pairs of nouns that stand together: "dog bark"."""
    for token, following in pairwise(tokens):
        if token.part == NOUN and following.part == NOUN:
            yield token.stem, following.stem


def _alone(tokens: Sequence[Token]) -> Iterator[list[str]]:
    """Yield the nouns of each piece between conjunctions that has no verb: they stand for sounds."""
    start = 0
    for index, token in enumerate((*tokens, Token(",", ",", "comma"))):
        if token.part not in ("comma", "conjunction"):
            continue
        nouns = [later.stem for later in tokens[start:index] if later.part in (NOUN, MODIFIER)]
        if nouns and not any(later.part in (VERB, "auxiliary", "preposition") for later in tokens[start:]):
            yield nouns
        start = index + 1


def _may_pair(first: str, second: str, keywords: Sequence[str]) -> bool:
    """Return whether two nouns may stand together."""
    if second in _SOUNDS or first in related("guard_makers").get(second, frozenset()):
        return True
    if any(stem(first + second) in own_words(keyword) for keyword in keywords):
        return True  # "door bell"
    return follow_each_other(first, second, keywords)
