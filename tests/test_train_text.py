"""Text towers: every kind, from random weights or from a folder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig

from train.errors import BadInput
from train.towers.text import MODEL_TYPES, build_tower, check_tower, load_tower, n_positions, pool, pretrained_config, text_config
from train.towers.tokenizer import tokenize, train_tokenizer

CAPTIONS = ["a dog barks", "rain falls on a tin roof all night", "sea"]
TOKENIZER = train_tokenizer(CAPTIONS, 300, 77)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
TOKENS = {"vocab_size": len(TOKENIZER), "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 3}
OTHERS = ("albert", "deberta-v2", "distilbert", "electra", "gpt2", "llama", "modernbert", "mpnet", "t5", "umt5", "xlm", "xlm-roberta")


def config_of(kind: str, **changes: Any) -> PretrainedConfig:
    """Return the configuration of a small tower of any kind."""
    if kind in MODEL_TYPES:
        return text_config(kind, "tiny", 77, TOKENIZER)
    return AutoConfig.for_model(kind, **SMALL, **TOKENS, **changes)


@torch.inference_mode()
def embed(tower: torch.nn.Module, captions: list[str]) -> torch.Tensor:
    ids, mask = tokenize(TOKENIZER, captions, 77)
    return pool(tower.eval()(input_ids=ids, attention_mask=mask), mask)


@pytest.mark.parametrize("kind", [*MODEL_TYPES, *OTHERS])
def test_padding_does_not_change_a_vector(kind):
    torch.manual_seed(0)
    config = config_of(kind)
    check_tower(config, TOKENIZER, 20)
    tower = build_tower(config)
    together, alone = embed(tower, CAPTIONS), torch.cat([embed(tower, [caption]) for caption in CAPTIONS])
    assert together.shape == (3, config.hidden_size)
    assert torch.allclose(together, alone, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-4


@pytest.mark.parametrize(("kind", "width"), [("roberta", 768), ("bert", 768), ("clip", 512)])
def test_the_published_widths(kind, width):
    config = text_config(kind, "published", 77, TOKENIZER)
    assert (config.hidden_size, config.num_hidden_layers) == (width, 12)


@pytest.mark.parametrize("kind", [*MODEL_TYPES, "mpnet", "xlm-roberta", "distilbert", "gpt2"])
def test_the_context_is_used_to_its_last_token(kind):
    config = config_of(kind) if kind in MODEL_TYPES else config_of(kind, max_position_embeddings=14)
    tower = build_tower(config).eval()
    limit = n_positions(tower)
    assert limit is not None
    check_tower(config, TOKENIZER, limit)
    ids, mask = tokenize(TOKENIZER, ["rain " * 100], limit)
    assert ids.shape == (1, limit) and pool(tower(input_ids=ids, attention_mask=mask), mask).isfinite().all()
    with pytest.raises(BadInput, match=rf"context = {limit + 1}, but the text tower has {limit} positions; --set context={limit}"):
        check_tower(config, TOKENIZER, limit + 1)


def test_a_tower_without_a_table_of_positions_takes_any_context():
    check_tower(config_of("t5"), TOKENIZER, 60_000)


@pytest.mark.parametrize("kind", [*MODEL_TYPES, "t5", "mpnet", "distilbert"])
def test_weights_are_loaded_from_a_folder_and_a_saved_configuration_makes_the_same_tower(kind, tmp_path):
    tower = AutoModel.from_config(config_of(kind))
    tower.save_pretrained(tmp_path / "hub")
    loaded = load_tower(kind, str(tmp_path / "hub"))
    own = tower.state_dict()
    assert all(torch.equal(weight, own[name]) for name, weight in loaded.state_dict().items())
    loaded.config.save_pretrained(tmp_path / "run")
    again = build_tower(pretrained_config(kind, str(tmp_path / "run")))
    again.load_state_dict(loaded.state_dict())
    assert torch.equal(embed(again, CAPTIONS), embed(loaded, CAPTIONS))


def test_weights_that_were_saved_in_bf16_are_trained_in_float32(tmp_path):
    AutoModel.from_config(config_of("bert")).to(torch.bfloat16).save_pretrained(tmp_path)
    towers = load_tower("bert", str(tmp_path)), build_tower(pretrained_config("bert", str(tmp_path)))
    assert {p.dtype for tower in towers for p in tower.parameters()} == {torch.float32}


@pytest.mark.parametrize("content", [b"", b"damaged", b"\xff" * 99])
def test_damaged_weights_are_bad_input(content, tmp_path):
    AutoModel.from_config(config_of("bert")).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(BadInput, match=f"the weights of '{tmp_path}' cannot be read"):
        load_tower("bert", str(tmp_path))


def test_weights_that_are_missing_are_bad_input_but_for_the_pooler(tmp_path):
    tower = AutoModel.from_config(config_of("bert"))
    weights = tower.state_dict()
    tower.save_pretrained(tmp_path, state_dict={name: x for name, x in weights.items() if "pooler" not in name})
    assert torch.equal(
        load_tower("bert", str(tmp_path)).state_dict()["encoder.layer.1.output.dense.bias"], weights["encoder.layer.1.output.dense.bias"]
    )
    tower.save_pretrained(tmp_path, state_dict={name: x for name, x in weights.items() if "layer.1." not in name})
    with pytest.raises(BadInput, match=r"lacks 16 weights of its model, the first is encoder\.layer\.1\."):
        load_tower("bert", str(tmp_path))


def save_config(kind: str, folder: Path) -> str:
    config_of(kind).save_pretrained(folder)
    return str(folder)


def test_a_folder_of_another_tower_or_a_missing_folder_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="tower of type 'bert', the recipe asks for 'roberta'; --set text=bert"):
        pretrained_config("roberta", save_config("bert", tmp_path / "bert"))
    with pytest.raises(BadInput, match="tower of type 'clip', the recipe asks for 'mpnet'; --set text=clip"):
        pretrained_config("mpnet", save_config("clip", tmp_path / "clip"))
    with pytest.raises(BadInput, match="no text tower"):
        pretrained_config("roberta", str(tmp_path / "nothing"))


def test_a_tokenizer_larger_than_the_tower_is_bad_input():
    config = config_of("roberta")
    config.vocab_size = 200
    with pytest.raises(BadInput, match="of another tower: it has 264 tokens, the tower has 200"):
        check_tower(config, TOKENIZER, 20)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("bart", "has a decoder"),
        ("fnet", "does not tell captions from padding"),
        pytest.param("siglip_text_model", "makes no text tower", marks=pytest.mark.slow),  # transformers imports every model for its error
    ],
)
def test_towers_that_cannot_embed_captions_are_bad_input(kind, message):
    with pytest.raises(BadInput, match=message):
        check_tower(config_of(kind), TOKENIZER, 20)


def test_a_tower_that_cannot_compute_activations_again_is_bad_input_only_where_that_is_asked_for():
    check_tower(config_of("mpnet"), TOKENIZER, 20)
    with pytest.raises(BadInput, match="'mpnet' cannot compute activations again; --set checkpointing=false"):
        check_tower(config_of("mpnet"), TOKENIZER, 20, checkpointing=True)
