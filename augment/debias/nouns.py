"""Nouns and adjectives of gender -> neutral ones: "a woman" -> "a person", "male voice" -> "voice", "policemen" -> "police officers"."""

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
_ONE = frozenset({"a", "an", "one", "another", "each", "every", "this", "that"})
_MANY = frozenset({*NUMBERS[2:], "several", "many", "multiple", "few", "various", "both", "these", "those"})
_INSIDE = frozenset({"adult", "teen", "baby", "infant", "toddler", "child", "kid", "human"})
_TAKEN_IN = frozenset({"male", "males", "female", "females", "man", "men", "woman", "women", "boy", "boys", "girl", "girls"})
_MISSPELT = {"mans": "man", "womans": "woman", "mens": "men", "womens": "women"}  # "a mans voice"
_PLURALS = {"child": "children", "baby": "babies"}
_PAST = frozenset({"spoke", "said", "sang", "told", "began", "made", "gave", "ran", "went", "came", "heard", "seen"})
_OF_SOUND = frozenset({"soft", "faint", "muffled", "low", "brief", "quiet", "background", "deep", "slight", "distorted"})
_AGENTS = ("er", "ers", "or", "ors", "ist", "ists", "ian", "ians")
_NO_AGENTS = frozenset({
    "whisper", "mutter", "stutter", "chatter", "utter", "holler", "jabber", "banter", "whimper", "snicker", "louder", "closer",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noun:
    """What the table says of a word: its rule, its neutral words for one and for many, whether it means many, its gender."""

    rule: str
    one: str
    many: str
    plural: bool
    gender: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A person named by a word of gender at `head`, in a noun phrase from `start` on.

    `taken_in`: the word before already says who it is ("adult male"), so that the noun itself is left out.
    """

    start: int
    head: int
    determiner: str
    adjectives: tuple[str, ...]
    noun: Noun
    plural: bool
    suffix: str
    taken_in: bool

    @property
    def neutral(self) -> str:
        """The neutral noun in the number of this mention, with its possessive ending."""
        word = self.noun.many if self.plural else self.noun.one
        return word + ("'" if self.suffix and word.endswith("s") else self.suffix)


@cache
def nouns() -> dict[str, Noun]:
    """Return word -> what the table says of it."""
    found = {}
    for rule, one, many, neutral_one, neutral_many, gender in rows("debias_nouns"):
        found[one] = Noun(rule, neutral_one, neutral_many, False, gender)
        found[many] = Noun(rule, neutral_one, neutral_many, True, gender)
    return found


def replace_nouns(editor: CaptionEditor) -> None:
    """Replace every noun of gender and leave out every adjective of gender; a second person of another gender is "another"."""
    seen: dict[str, set[str]] = {}
    index = 0
    while index < len(editor.words):
        if is_adjective(editor, index):
            editor.drop(index, "adjective")
            continue
        found = mention(editor, index)
        if found is None:
            _note_neutral(editor, index, seen)
            index += 1
            continue
        _replace(editor, found)
        _tell_apart(editor, found, seen)
        index = found.head + (not found.taken_in)


def mention(editor: CaptionEditor, index: int) -> Mention | None:
    """Return the person named at `index`, if that is a noun of gender; call `is_adjective` first."""
    base, suffix = _base(editor, index)
    noun = nouns().get(base)
    if noun is None or editor.kept[index]:
        return None
    taken_in = base in _TAKEN_IN and editor.follows(index) and editor.at(index - 1) in _INSIDE and not editor.kept[index - 1]
    inside = editor.lower[index - 1]
    if taken_in:
        noun = Noun("person", inside, _PLURALS.get(inside, inside + "s"), noun.plural, noun.gender)
    start, determiner = index - taken_in, ""
    adjectives: tuple[str, ...] = ()
    while editor.follows(start) and editor.at(start - 1) in words("person_adjectives") and len(adjectives) < 3:
        start, adjectives = start - 1, (editor.lower[start - 1], *adjectives)
    if editor.follows(start) and (editor.at(start - 1) in determiners() or editor.at(start - 1).isdigit()):
        start, determiner = start - 1, editor.lower[start - 1]
    return Mention(start, index, determiner, adjectives, noun, _is_plural(editor, index, noun, determiner), suffix, taken_in)


def is_adjective(editor: CaptionEditor, index: int, paired: bool = False) -> bool:
    """Whether the word of gender at `index` only describes the noun after it, as "male" does in "male voice".

    `paired`: the word is the second of "male and female", after which "laugh" is a verb.
    """
    word, after = editor.lower[index], editor.at(index + 1)
    if editor.kept[index] or not editor.follows(index + 1):
        return False
    kind = _followers().get(after.removesuffix("'s"))
    if word not in ADJECTIVES:
        return word in _TAKEN_IN | {"lady"} and kind == "voice"
    if after in ("and", "or") and (editor.at(index + 2) in ADJECTIVES):
        return is_adjective(editor, index + 2, True)
    if after.endswith("ing") and editor.at(index - 1) in _OF_SOUND:
        return True  # "soft female talking"
    if after.endswith(("-like", "-sounding")) or (editor.words[index].islower() and editor.words[index + 1][0].isupper()):
        return True  # "male Kayapó singers"
    if kind == "activity":
        return editor.at(index - 1) not in determiners() and editor.at(index - 1) not in words("person_adjectives")
    if kind == "either":
        return not paired and editor.at(index - 1) not in words("person_adjectives")
    if kind or (after.endswith(_AGENTS) and after not in _NO_AGENTS | function_words() | singular_verbs()):
        return True
    return not paired and editor.at(index - 1) in _ONE and editor.follows(index) and _must_be_noun(after)


def _must_be_noun(word: str) -> bool:
    """Whether a word after "a male" can be nothing but a noun: no verb there goes without an ending."""
    if word in function_words() | determiners() | singular_verbs() | words("verbs") | _PAST:
        return False
    return not (word.endswith(("ing", "ed", "ly")) or (word.endswith("s") and not word.endswith("ss")))


@cache
def _followers() -> dict[str, str]:
    """Return word after "male" -> its kind."""
    return {row[0]: row[1] for row in rows("debias_followers")}


def _base(editor: CaptionEditor, index: int) -> tuple[str, str]:
    """Return the word at `index` without its possessive ending, and the ending."""
    word = editor.lower[index]
    if word.endswith("'s"):
        return word[:-2], "'s"
    if word in _MISSPELT:
        return _MISSPELT[word], "'s"
    possessive = editor.gaps[index + 1] in ("' ", "’ ") and word.endswith("s") and editor.at(index + 1) not in function_words()
    return word, "'s" if possessive else ""


def _is_plural(editor: CaptionEditor, index: int, noun: Noun, determiner: str) -> bool:
    """Whether several persons are meant; "a women" and "women is" are slips of the pen for one, "two man" for several."""
    if determiner in _ONE:
        return False
    if determiner in _MANY or (determiner.isdigit() and determiner != "1"):
        return True
    single = noun.plural and not determiner and editor.at(index - 1) not in ("and", "of") and editor.follows(index + 1)
    return noun.plural and not (single and editor.at(index + 1) in AUXILIARIES)


def _replace(editor: CaptionEditor, found: Mention) -> None:
    """Put the neutral noun in the place of a mention's."""
    if found.suffix and editor.gaps[found.head + 1].startswith(("'", "’")):
        editor.gaps[found.head + 1] = editor.gaps[found.head + 1][1:]
    rule = "possessive" if found.suffix else found.noun.rule
    editor.replace(found.head - found.taken_in, found.head + 1, found.neutral, rule)


def _note_neutral(editor: CaptionEditor, index: int, seen: dict[str, set[str]]) -> None:
    """Remember a person without gender, such as "a person", so that the next one can be told apart."""
    if editor.lower[index] in ("person", "child", "adult") and editor.at(index - 1) in ("a", "an") and editor.at(index + 1) not in _TAKEN_IN:
        seen.setdefault(editor.lower[index], set()).add("")


def _tell_apart(editor: CaptionEditor, found: Mention, seen: dict[str, set[str]]) -> None:
    """Say "another person" where "a man ... a woman" named two."""
    if found.determiner not in ("a", "an") or found.adjectives or found.suffix or found.plural:
        return
    genders = seen.setdefault(found.noun.one, set())
    if genders and found.noun.gender not in genders:
        editor.replace(found.start, found.start + 1, "another", "another")
    genders.add(found.noun.gender)
