"""Tokenizers: trained, saved, loaded; padding and truncation."""

import pytest

from train.errors import BadInput
from train.towers.tokenizer import SPECIAL_TOKENS, count_truncated, load_tokenizer, save_tokenizer, tokenize, train_tokenizer

CAPTIONS = ["A dog barks at the rain.", "Rain falls on a tin roof.", "Ein Hund bellt, während es regnet 🌧"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(CAPTIONS * 3, 400, 77)


def test_every_text_is_decoded_to_itself_even_in_unseen_scripts(tokenizer):
    for text in (*CAPTIONS, "犬が吠える", "a\tb"):
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_special_tokens_have_fixed_ids(tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    ids = tokenizer("a dog")["input_ids"]
    assert ids[0] == tokenizer.bos_token_id and ids[-1] == tokenizer.eos_token_id == 3


def test_the_same_captions_give_the_same_tokenizer():
    first, second = (train_tokenizer(CAPTIONS, 400, 77).backend_tokenizer.to_str() for _ in range(2))
    assert first == second


def test_a_batch_is_padded_to_its_longest_and_cut_at_the_context(tokenizer):
    ids, mask = tokenize(tokenizer, ["a", "a dog barks"], 77)
    assert ids.shape[1] == mask[1].sum() < 77
    assert (ids[0][mask[0] == 0] == tokenizer.pad_token_id).all()
    assert tokenize(tokenizer, ["rain " * 100], 9)[0].shape == (1, 9)


def test_captions_that_will_be_cut_are_counted(tokenizer):
    assert count_truncated(tokenizer, ["a", "rain " * 100], 9) == 1


def test_a_saved_tokenizer_is_the_same(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path)
    assert load_tokenizer(str(tmp_path))(CAPTIONS)["input_ids"] == tokenizer(CAPTIONS)["input_ids"]


def test_a_folder_without_a_tokenizer_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no tokenizer could be loaded"):
        load_tokenizer(str(tmp_path))


def test_a_tokenizer_without_a_padding_token_pads_with_its_end_on_the_right(tokenizer, tmp_path):
    tokenizer = train_tokenizer(CAPTIONS, 400, 77)
    tokenizer.pad_token, tokenizer.padding_side = None, "left"
    save_tokenizer(tokenizer, tmp_path)
    ids, mask = tokenize(load_tokenizer(str(tmp_path)), ["a", "a dog barks"], 77)
    assert mask[0].tolist() == sorted(mask[0].tolist(), reverse=True)
    assert (ids[0][mask[0] == 0] == tokenizer.eos_token_id).all()
