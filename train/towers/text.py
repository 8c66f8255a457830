"""Text towers of transformers: RoBERTa, BERT, and the causal transformer of CLIP. Each returns one vector a caption, `pooler_output`."""

from typing import Any

from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from train.errors import BadInput

MODEL_TYPES = {"roberta": "roberta", "bert": "bert", "clip": "clip_text_model"}  # our names: transformers' names
PUBLISHED = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
PUBLISHED_CLIP = {"hidden_size": 512, "num_hidden_layers": 12, "num_attention_heads": 8, "intermediate_size": 2048}
TINY = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512}
PUBLISHED_SETTINGS: dict[str, dict[str, Any]] = {
    "roberta": {"type_vocab_size": 1, "layer_norm_eps": 1e-5},
    "bert": {},
    "clip": {"hidden_act": "gelu"},
}


def text_config(kind: str, size: str, context: int, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    """Return the configuration of a tower with random weights. size: "tiny" or "published". context: tokens of the longest caption."""
    sizes = TINY if size == "tiny" else PUBLISHED_CLIP if kind == "clip" else PUBLISHED
    positions = context + 2 if kind == "roberta" else context  # RoBERTa counts positions from the padding id + 1
    tokens = {"bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    table = {"vocab_size": len(tokenizer), "max_position_embeddings": positions, **sizes}
    return AutoConfig.for_model(MODEL_TYPES[kind], **table, **tokens, **PUBLISHED_SETTINGS[kind])


def pretrained_config(kind: str, name: str) -> PretrainedConfig:
    """Read the configuration of a hub id or folder. Raise BadInput if there is none, or if it is of another kind of tower."""
    try:
        config = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise BadInput(f"no text tower could be loaded from {name!r}: {str(error).splitlines()[0]}") from error
    config = config.text_config if config.model_type == "clip" else config
    if config.model_type != MODEL_TYPES[kind]:
        raise BadInput(f"{name!r} holds a tower of type {config.model_type!r}, the recipe asks for {kind!r}")
    return config


def check_tokenizer(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase, context: int) -> None:
    """Check that a tower has all tokens of a tokenizer, and as many positions as the context."""
    if len(tokenizer) > config.vocab_size:
        raise BadInput(f"the tokenizer is of another tower: it has {len(tokenizer)} tokens, the tower has {config.vocab_size}")
    positions = config.max_position_embeddings - (2 if config.model_type == "roberta" else 0)
    if context > positions:
        raise BadInput(f"context = {context}, but the text tower has {positions} positions; --set context={positions}")


def load_text(kind: str, name: str) -> PreTrainedModel:
    """Load a tower with its weights from a hub id or folder. Raise BadInput as pretrained_config does."""
    return AutoModel.from_pretrained(name, config=pretrained_config(kind, name))
