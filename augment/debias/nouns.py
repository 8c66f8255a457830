"""Replace nouns of gender by neutral nouns ("a woman" -> "a person") and remove adjectives of gender ("male voice" -> "voice")."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from augment.debias.caption_editor import CaptionEditor
from augment.debias.verbs import AUXILIARIES, determiners, function_words, singular_verbs
from augment.tables import rows, words

NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
ADJECTIVES = frozenset({"male", "female"})
_SINGULAR_DETERMINERS = frozenset({"a", "an", "one", "another", "each", "every", "this", "that"})
_PLURAL_DETERMINERS = frozenset({*NUMBERS[2:], "several", "many", "multiple", "few", "various", "both", "these", "those"})
_NEUTRAL_PERSONS = frozenset({"adult", "teen", "baby", "infant", "toddler", "child", "kid", "human"})
_PERSONS_BY_GENDER = frozenset({"male", "males", "female", "females", "man", "men", "woman", "women", "boy", "boys", "girl", "girls"})
_OF_CHILDREN = frozenset({"choir", "choirs", "chorus", "choruses", "team", "teams", "ensemble", "group", "groups"})
_MISSPELT = {"mans": "man", "womans": "woman", "mens": "men", "womens": "women"}  # in "a mans voice"
_PLURALS = {"child": "children", "baby": "babies"}
_REMEMBERED = frozenset({"person", "child", "adult"})
_NOUNS_IN_S = frozenset({"news", "sports"})
_PAST = frozenset({"spoke", "said", "sang", "told", "began", "made", "gave", "ran", "went", "came", "heard", "seen"})
_SOUND_ADJECTIVES = frozenset({"soft", "faint", "muffled", "low", "brief", "quiet", "background", "deep", "slight", "distorted"})
_AGENT_ENDINGS = ("er", "ers", "or", "ors", "ist", "ists", "ian", "ians")
_NOT_AGENTS = frozenset({
    "mutter", "stutter", "utter", "holler", "jabber", "banter", "whimper", "snicker", "louder", "closer",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noun:
    """A row of the table for one of its words: the rule, the neutral noun in both numbers, the number and gender of the word."""

    rule: str
    singular: str
    plural: str
    is_plural: bool
    gender: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A person, named by a noun of gender at index `head`, in a noun phrase that begins at index `start`.

    `suffix` is "'s" for a possessive, else empty. `is_redundant`: the word before `head` is a neutral noun ("adult male"), so
    that the noun of gender can be removed.
    """

    start: int
    head: int
    determiner: str
    adjectives: tuple[str, ...]
    noun: Noun
    is_plural: bool
    suffix: str
    is_redundant: bool

    @property
    def neutral(self) -> str:
        """The neutral noun in the number of this mention, with its possessive ending."""
        word = self.noun.plural if self.is_plural else self.noun.singular
        return word + ("'" if self.suffix and word.endswith("s") else self.suffix)


@cache
def nouns() -> dict[str, Noun]:
    """Return noun of gender, singular or plural -> its row of the table."""
    table = {}
    for rule, singular, plural, neutral_singular, neutral_plural, gender in rows("debias_nouns"):
        table[singular] = Noun(rule, neutral_singular, neutral_plural, False, gender)
        table[plural] = Noun(rule, neutral_singular, neutral_plural, True, gender)
    return table


@cache
def noun_forms() -> frozenset[str]:
    """Return every noun of gender in all its forms, with and without a possessive or contracted ending."""
    forms = nouns().keys() | _MISSPELT.keys()
    return frozenset(form + ending for form in forms for ending in ("", "'s", "'ll", "'d"))


def replace_nouns(editor: CaptionEditor) -> None:
    """Replace every noun of gender and remove every adjective of gender; call a second person of another gender "another"."""
    seen: dict[str, set[str]] = {}
    index, gendered, lower = 0, noun_forms(), editor.lower
    while index < len(lower):
        if lower[index] not in gendered:
            if lower[index] in _REMEMBERED:
                _remember_neutral(editor, index, seen)
            index += 1
            continue
        if is_attribute(editor, index):
            _leave_out(editor, index)
            continue
        if is_adjective(editor, index):
            editor.drop(index, "adjective")
            continue
        person = mention(editor, index)
        if person is None:
            index += 1
            continue
        _replace(editor, person)
        _distinguish(editor, person, seen)
        index = person.head + (not person.is_redundant)


def mention(editor: CaptionEditor, index: int) -> Mention | None:
    """Return the person that a noun of gender at `index` names, or `None`. Call `is_adjective` first: "male" may be both."""
    base, suffix = _base(editor, index)
    noun = nouns().get(base)
    if noun is None or editor.kept[index]:
        return None
    before = editor.at(index - 1)
    is_redundant = base in _PERSONS_BY_GENDER and editor.follows(index) and before in _NEUTRAL_PERSONS and not editor.kept[index - 1]
    if is_redundant:
        noun = Noun("person", before, _PLURALS.get(before, before + "s"), noun.is_plural, noun.gender)
    start, determiner = index - is_redundant, ""
    adjectives: tuple[str, ...] = ()
    while editor.follows(start) and editor.at(start - 1) in words("person_adjectives") and len(adjectives) < 3:
        start, adjectives = start - 1, (editor.lower[start - 1], *adjectives)
    if editor.follows(start) and (editor.at(start - 1) in determiners() or editor.at(start - 1).isdigit()):
        start, determiner = start - 1, editor.lower[start - 1]
    return Mention(start, index, determiner, adjectives, noun, _is_plural(editor, index, noun, determiner), suffix, is_redundant)


def is_adjective(editor: CaptionEditor, index: int, paired: bool = False) -> bool:
    """Return whether the word of gender at `index` describes the noun after it, as "male" does in "male voice".

    `paired`: the word is the second of "male and female", so that "laugh" after it is a verb.
    """
    word, after = editor.lower[index], editor.at(index + 1)
    if editor.kept[index] or not editor.follows(index + 1):
        return False
    kind = _followers().get(after.removesuffix("'s"))
    if word not in ADJECTIVES:
        return kind == "voice" and (word in _PERSONS_BY_GENDER or word == "lady")
    if after in ("and", "or") and (editor.at(index + 2) in ADJECTIVES):
        return is_adjective(editor, index + 2, True)
    if after.endswith("ing") and editor.at(index - 1) in _SOUND_ADJECTIVES:
        return True  # "soft female talking"
    if after.endswith(("-like", "-sounding")) or (editor.words[index].islower() and editor.words[index + 1][0].isupper()):
        return True  # "male Kayapó singers"
    if kind == "activity":
        return editor.at(index - 1) not in determiners() and editor.at(index - 1) not in words("person_adjectives")
    if kind == "either":
        return not paired and editor.at(index - 1) not in words("person_adjectives")
    if kind or _is_agent(after):
        return True
    if (_must_be_noun(after) or after in _NOUNS_IN_S) and editor.follows(index + 2) and _names_a_speaker(editor.at(index + 2)):
        return True  # "female news reporter"
    return not paired and editor.at(index - 1) in _SINGULAR_DETERMINERS and editor.follows(index) and _must_be_noun(after)


def _names_a_speaker(word: str) -> bool:
    return _followers().get(word) == "voice" or _is_agent(word)


def _is_agent(word: str) -> bool:
    """Return whether a word names a person by what they do, as "singer" does."""
    return word.endswith(_AGENT_ENDINGS) and not (word in _NOT_AGENTS or word in function_words() or word in singular_verbs())


def is_attribute(editor: CaptionEditor, index: int) -> bool:
    """Return whether a plural of gender says of which kind a thing is ("a women's choir"), and not whose it is ("the men's voices").

    So it is behind "a", and before things such as choirs and schools, also where the apostrophe is missing.
    """
    base, suffix = _base(editor, index)
    noun = nouns().get(base)
    if noun is None or not noun.is_plural or editor.kept[index] or index + 1 >= len(editor.words):
        return False
    kind = _things().get(editor.at(index + 1))
    if suffix:
        return kind is not None or (editor.follows(index) and editor.at(index - 1) in ("a", "an"))
    return kind == "group" and editor.follows(index + 1)


def _leave_out(editor: CaptionEditor, index: int) -> None:
    """Remove a word for which `is_attribute` is true; a choir of girls or boys is one of children."""
    if nouns()[_base(editor, index)[0]].singular != "child" or editor.at(index + 1) not in _OF_CHILDREN:
        editor.drop(index, "adjective")
        return
    editor.gaps[index + 1] = " "
    editor.replace(index, index + 1, "children's", "possessive")


@cache
def _things() -> dict[str, str]:
    """Return thing that is for women or for men alone -> "group", or "thing" where the word is a verb, too."""
    return {row[0]: row[1] for row in rows("debias_things")}


def _must_be_noun(word: str) -> bool:
    """Return whether a word after "a male" can only be a noun: a verb would have an ending there."""
    if any(word in known for known in (function_words(), determiners(), singular_verbs(), words("verbs"), _PAST)):
        return False
    return not (word.endswith(("ing", "ed", "ly")) or (word.endswith("s") and not word.endswith("ss")))


@cache
def _followers() -> dict[str, str]:
    """Return word that may follow "male" -> its kind in the table."""
    return {row[0]: row[1] for row in rows("debias_followers")}


def _base(editor: CaptionEditor, index: int) -> tuple[str, str]:
    """Return the word at `index` without its possessive ending, and "'s" if it had one."""
    word = editor.lower[index]
    if word.endswith("'s"):
        return word[:-2], "'s"
    if word in _MISSPELT:
        return _MISSPELT[word], "'s"
    possessive = editor.gaps[index + 1] in ("' ", "’ ") and word.endswith("s") and editor.at(index + 1) not in function_words()
    return word, "'s" if possessive else ""


def _is_plural(editor: CaptionEditor, index: int, noun: Noun, determiner: str) -> bool:
    """Return whether several persons are meant. "a women" and "women is" are misspelt for one person, "two man" for several."""
    if determiner in _SINGULAR_DETERMINERS:
        return False
    if determiner in _PLURAL_DETERMINERS or (determiner.isdigit() and determiner != "1"):
        return True
    subject = noun.is_plural and not determiner and editor.at(index - 1) not in ("and", "of") and editor.follows(index + 1)
    return noun.is_plural and not (subject and editor.at(index + 1) in AUXILIARIES)


def _replace(editor: CaptionEditor, person: Mention) -> None:
    """Replace the noun of a mention by its neutral noun."""
    if person.suffix and editor.gaps[person.head + 1].startswith(("'", "’")):
        editor.gaps[person.head + 1] = editor.gaps[person.head + 1][1:]
    rule = "possessive" if person.suffix else person.noun.rule
    editor.replace(person.head - person.is_redundant, person.head + 1, person.neutral, rule)


def _remember_neutral(editor: CaptionEditor, index: int, seen: dict[str, set[str]]) -> None:
    """Remember "a person", "a child" or "an adult" at `index`, so that the next person can be called "another"."""
    if editor.at(index - 1) in ("a", "an") and editor.at(index + 1) not in _PERSONS_BY_GENDER:
        seen.setdefault(editor.lower[index], set()).add("")


def _distinguish(editor: CaptionEditor, person: Mention, seen: dict[str, set[str]]) -> None:
    """Write "another person" for the second person of "a man ... a woman"; `seen`: neutral noun -> genders so far."""
    if person.determiner not in ("a", "an") or person.adjectives or person.is_plural:
        return
    genders = seen.setdefault(person.noun.singular, set())
    owns = person.suffix and editor.follows(person.head + 1) and editor.at(person.head + 1) not in function_words()  # "a man's voice"
    if genders and person.noun.gender not in genders and not owns:
        editor.replace(person.start, person.start + 1, "another", "another")
    genders.add(person.noun.gender)
