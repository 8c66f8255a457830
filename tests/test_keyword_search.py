"""A model may write only words of its keywords, and end only where the guard accepts the sentence."""

from __future__ import annotations

import pytest

from augment.guard import check
from augment.keyword_search import Sentences, Vocabulary, forms, words_to_write

pytest.importorskip("tokenizers")
WORDS = ["a", "A", "an", "and", "is", "heard", "dog", "Dog", "barks", "barking", "bark", "siren", "not", "two", ".", ","]


class Tokenizer:
    """A real tokenizer of whole words, with the call that models make."""

    def __init__(self):
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import PreTrainedTokenizerFast

        words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}, "<unk>"))
        words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        self.real = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    pytest.importorskip("transformers")
    return Vocabulary(Tokenizer().real)


def ids(vocabulary: Vocabulary, text: str) -> tuple[int, ...]:
    return tuple(vocabulary.tokenizer(text, add_special_tokens=False).input_ids)


def following(vocabulary: Vocabulary, keywords: list[str], text: str) -> set[str]:
    tokens = Sentences(keywords, vocabulary, 1).next_tokens(ids(vocabulary, text))
    return set(vocabulary.tokenizer.convert_ids_to_tokens(tokens))


def test_negations_and_numbers_are_not_written(vocabulary):
    assert following(vocabulary, ["Bark"], "").isdisjoint({"not", "two", "siren"})
    assert {"a", "A", "dog", "Dog", "bark"} <= following(vocabulary, ["Bark"], "")


def test_a_sentence_ends_only_where_every_keyword_is_named(vocabulary):
    assert "</s>" not in following(vocabulary, ["Bark", "Siren"], "a dog barks")
    assert {"</s>", "."} <= following(vocabulary, ["Bark"], "a dog barks")
    assert following(vocabulary, ["Bark"], "a dog barks .") == {"</s>"}


def test_nothing_follows_what_no_end_can_mend(vocabulary):
    assert following(vocabulary, ["Bark", "Siren"], "a siren barks and") == set()
    assert following(vocabulary, ["Bark", "Siren"], "an siren and") == set()


def test_keywords_not_named_yet_are_wanted(vocabulary):
    sentences = Sentences(["Bark", "Siren"], vocabulary, 1)
    wanted = vocabulary.tokenizer.convert_ids_to_tokens(sorted(sentences.wanted_tokens(ids(vocabulary, "a dog barks and"))))
    assert wanted == ["siren"]


def test_a_sequence_without_a_way_on_is_no_sentence(vocabulary):
    sentences = Sentences(["Bark"], vocabulary, 1)
    assert sentences.are_one((*ids(vocabulary, "a dog barks ."), 1, 0, 0))
    assert not sentences.are_one(ids(vocabulary, "a dog barks ."))
    assert not sentences.are_one((*ids(vocabulary, "a dog is"), 1))
    assert not sentences.are_one((*ids(vocabulary, "a dog not"), 1))


def test_every_walk_that_ends_is_accepted_by_the_guard(vocabulary):
    sentences, waiting, n_ends = Sentences(["Bark", "Siren"], vocabulary, 1), [()], 0
    while waiting and n_ends < 40:
        written = waiting.pop(0)
        for token in sentences.next_tokens(written):
            if token == 1:
                n_ends += 1
                assert check(vocabulary.tokenizer.decode(written), ["Bark", "Siren"]) is None
            elif len(written) < 6:
                waiting.append((*written, token))
    assert n_ends >= 40


def test_words_to_write_are_sorted_and_bounded():
    written = words_to_write([f"Sound {number}" for number in range(500)])
    assert written == sorted(set(written)) and len(written) < 2_000


@pytest.mark.parametrize(("word", "form"), [("snap", "snapping"), ("sneeze", "sneezing"), ("buzz", "buzzes"), ("fly", "flies")])
def test_forms_are_spelled_as_in_english(word, form):
    assert form in forms(word)
