"""Text towers: every kind, from random weights or from a folder."""

import pytest
import torch
from transformers import AutoModel

from train.errors import BadInput
from train.towers.text import MODEL_TYPES, check_tokenizer, load_text, pretrained_config, text_config
from train.towers.tokenizer import tokenize, train_tokenizer

CAPTIONS = ["a dog barks", "rain falls on a tin roof all night", "sea"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(CAPTIONS, 300, 77)


@pytest.mark.parametrize("kind", MODEL_TYPES)
def test_padding_does_not_change_a_vector(kind, tokenizer):
    torch.manual_seed(0)
    tower = AutoModel.from_config(text_config(kind, "tiny", 77, tokenizer)).eval()
    with torch.inference_mode():
        together = tower(*tokenize(tokenizer, CAPTIONS, 77)).pooler_output
        alone = torch.cat([tower(*tokenize(tokenizer, [c], 77)).pooler_output for c in CAPTIONS])
    assert torch.allclose(together, alone, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3


@pytest.mark.parametrize(("kind", "width"), [("roberta", 768), ("bert", 768), ("clip", 512)])
def test_the_published_widths(kind, width, tokenizer):
    config = text_config(kind, "published", 77, tokenizer)
    assert (config.hidden_size, config.num_hidden_layers) == (width, 12)


@pytest.mark.parametrize("kind", MODEL_TYPES)
def test_the_context_is_used_to_its_last_token(kind, tokenizer):
    tower = AutoModel.from_config(text_config(kind, "tiny", 12, tokenizer)).eval()
    assert tower(*tokenize(tokenizer, ["rain " * 50], 12)).pooler_output.isfinite().all()


@pytest.mark.parametrize("kind", MODEL_TYPES)
def test_weights_are_loaded_from_a_folder(kind, tokenizer, tmp_path):
    tower = AutoModel.from_config(text_config(kind, "tiny", 77, tokenizer)).eval()
    tower.save_pretrained(tmp_path)
    loaded = load_text(kind, str(tmp_path)).eval()
    inputs = tokenize(tokenizer, CAPTIONS, 77)
    assert torch.allclose(tower(*inputs).pooler_output, loaded(*inputs).pooler_output, atol=1e-6)


def test_a_folder_of_another_tower_or_a_missing_folder_is_bad_input(tokenizer, tmp_path):
    AutoModel.from_config(text_config("bert", "tiny", 77, tokenizer)).save_pretrained(tmp_path)
    with pytest.raises(BadInput, match="tower of type 'bert', the recipe asks for 'roberta'"):
        pretrained_config("roberta", str(tmp_path))
    with pytest.raises(BadInput, match="no text tower"):
        pretrained_config("roberta", str(tmp_path / "nothing"))


def test_a_tokenizer_or_context_larger_than_the_tower_is_bad_input(tokenizer):
    config = text_config("roberta", "tiny", 20, tokenizer)
    check_tokenizer(config, tokenizer, 20)
    with pytest.raises(BadInput, match="context = 21, but the text tower has 20 positions"):
        check_tokenizer(config, tokenizer, 21)
    config.vocab_size = 200
    with pytest.raises(BadInput, match="of another tower"):
        check_tokenizer(config, tokenizer, 20)
