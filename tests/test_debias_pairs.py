"""Two persons in a row become one plural, with verbs that agree."""

from __future__ import annotations

import pytest

from augment.debias.caption_editor import CaptionEditor
from augment.debias.pairs import merge_pairs, plural_noun
from augment.debias.rewrite import debias
from tests.debias_cases import cases


def merged(text: str) -> str:
    """Return a text after its pairs were merged, and nothing else."""
    editor = CaptionEditor.of(text)
    merge_pairs(editor)
    return editor.text()


@pytest.mark.parametrize(("before", "after"), cases("pairs", "family", "adjectives"))
def test_a_caption_becomes_the_hand_written_caption(before, after):
    assert debias(before).text == after


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("voice", "voices"),
        ("child", "children"),
        ("baby", "babies"),
        ("person", "people"),
        ("drummer", "drummers"),
        ("actor", "actors"),
        ("violinist", "violinists"),
        ("laughter", None),
        ("speech", None),
        ("x", None),
    ],
)
def test_only_nouns_that_can_be_counted_have_a_plural(noun, plural):
    assert plural_noun(noun) == plural


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a man and a woman", "two people"),
        ("an actor and an actress", "an actor and an actress"),  # "actor" is no word of gender
        ("an actress and an actress", "two actors"),
        ("one man and one woman", "two people"),
        ("a man, a woman and a dog bark", "two people and a dog bark"),
        ("a man, a woman speaks", "a man, a woman speaks"),
        ("a man, a woman and speaks", "a man, a woman and speaks"),
        ("a man, a woman", "a man, a woman"),
        ("a man & a woman", "two people"),
        ("a man + a woman", "two people"),
        ("a man / a woman", "a person"),
        ("a man or a woman", "a person"),
        ("men or women", "people"),
        ("a young man or woman's voice", "a young person's voice"),
        ("a man; a woman", "a man; a woman"),
        ("a man with a woman", "a man with a woman"),
        ("a man's and a woman", "a man's and a woman"),
        ("a man and some dog of a woman", "a man and some dog of a woman"),
        ("a man and", "a man and"),
        ("a man", "a man"),
    ],
)
def test_and_or_commas_and_signs_join_persons(before, after):
    assert merged(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("two men and three women", "five people"),
        ("one man and nineteen women", "twenty people"),
        ("two men and nineteen women", "21 people"),
        ("2 men and 3 women", "5 people"),
        ("two men and 3 women", "five people"),
        ("several men and two women", "several people"),
        ("two men and women", "several people"),
        ("one man and women", "people"),
        ("a man and several women", "several people"),
        ("a man and the women", "the people"),
        ("men and a woman", "people"),
        ("many men and women", "many people"),
        ("zero men and one woman", "zero people"),
        ("the man and woman", "the two people"),
        ("the man and the woman", "the two people"),
        ("the men and women", "the people"),
        ("the man and women", "the people"),
        ("another man and woman", "two other people"),
        ("a man and another woman", "a man and another woman"),
        ("other men and two women", "other men and two women"),
        ("another man and a woman", "another man and a woman"),
    ],
)
def test_the_number_of_persons_is_their_sum_where_both_are_counted(before, after):
    assert merged(before) == after


@pytest.mark.parametrize("word", ["my", "your", "his", "her", "our", "their", "its", "these", "those"])
def test_a_possessive_or_demonstrative_stays_before_both(word):
    assert merged(f"{word} men and women") == f"{word} people"
    assert merged(f"{word} men and {word} women") == f"{word} people"
    assert merged(f"{word} man and woman") == f"{word} people"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a man and a girl", "a man and a girl"),
        ("an adult male and a woman", "two people"),
        ("a woman and an adult male", "two people"),
        ("an adult male and an adult female", "two adults"),
        ("a young man and a young woman", "two young people"),
        ("a young man and woman", "two young people"),
        ("a young man and a woman", "a young man and a woman"),
        ("a man and a young woman", "a man and a young woman"),
        ("a man and woman's voices", "two people's voices"),
        ("waiter and waitress's trays", "two servers' trays"),
    ],
)
def test_only_persons_of_one_kind_are_merged(before, after):
    assert merged(before) == after


@pytest.mark.parametrize(
    "word", ["and", "as", "while", "when", "then", "by", "with", "where", "because", "but", "after", "before", "or", "if", "since"]
)
def test_a_pair_at_the_beginning_of_a_clause_is_the_subject_of_its_verb(word):
    assert merged(f"rain {word} a man and a woman laughs") == f"rain {word} two people laugh"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rain on a man and a woman laughs", "rain on a man and a woman laughs"),
        ("rain on a man and a woman", "rain on two people"),
        ("rain on a man and the woman laughs", "rain on two people laugh"),
        ("rain. a man and a woman laughs", "rain. two people laugh"),
        ("a man and a woman laughs and speaks", "two people laugh and speak"),
        ("a man and a woman defenestrates", "two people defenestrates"),
        ("a man or a woman laughs", "a person laughs"),
        ("a man and a woman's dog barks", "two people's dog barks"),
    ],
)
def test_the_verb_behind_a_pair_agrees(before, after):
    assert merged(before) == after


@pytest.mark.parametrize("word", ["child", "kid", "baby", "infant", "toddler", "boy", "girl", "dog", "cat"])
def test_a_third_in_the_list_gets_an_article(word):
    article = "an" if word == "infant" else "a"
    assert merged(f"a man, woman and {word} play") == f"two people and {article} {word} play"
    assert merged(f"the men, women and {word} play") == f"the people and {word} play"
    assert merged("a man, woman and music play") == "two people and music play"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("male and female voice", "voice"),
        ("male or female voice", "voice"),
        ("male to female voice", "voice"),
        ("a male and female voice", "two voices"),
        ("a male and a female voice", "two voices"),
        ("an male and an female voice", "two voices"),
        ("one male and female singer", "two singers"),
        ("another male and female singer", "two other singers"),
        ("the male and female singers", "the singers"),
        ("a male or female voice", "a voice"),
        ("a male and female speech", "a speech"),
        ("a, male and female voice", "a, voice"),
        ("male and female whisper", "two people whisper"),
        ("male then female voice", "male then female voice"),
        ("male and loud voice", "male and loud voice"),
        ("male and female gizmo", "two people gizmo"),
    ],
)
def test_two_adjectives_of_gender_before_a_noun_are_removed(before, after):
    assert merged(before) == after


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("a man and a woman", ["pair"]),
        ("a man or a woman", ["either"]),
        ("a male and female voice", ["pair"]),
        ("male and female voices", ["adjective"]),
        ("a man and a woman speaks", ["pair", "agreement"]),
    ],
)
def test_changes_name_their_rule(text, rules):
    editor = CaptionEditor.of(text)
    merge_pairs(editor)
    assert [change.rule for change in editor.changes] == rules


def test_adjectives_that_are_kept_stay():
    editor = CaptionEditor.of("male and female voice")
    editor.kept[2] = True
    merge_pairs(editor)
    assert editor.text() == "male and female voice"
