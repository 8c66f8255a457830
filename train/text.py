"""Text towers, from transformers: RoBERTa, BERT, and the causal transformer of CLIP. Each gives one vector a caption, `pooler_output`."""

from typing import Any

from transformers import (
    AutoConfig,
    BertConfig,
    BertModel,
    CLIPTextConfig,
    CLIPTextModel,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaModel,
)

from train.problem import BadInput

KINDS: dict[str, tuple[Any, Any]] = {
    "roberta": (RobertaConfig, RobertaModel),
    "bert": (BertConfig, BertModel),
    "clip": (CLIPTextConfig, CLIPTextModel),
}
PUBLISHED = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
PUBLISHED_CLIP = {"hidden_size": 512, "num_hidden_layers": 12, "num_attention_heads": 8, "intermediate_size": 2048}
TINY = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512}
AS_PUBLISHED: dict[str, dict[str, Any]] = {
    "roberta": {"type_vocab_size": 1, "layer_norm_eps": 1e-5},
    "bert": {},
    "clip": {"hidden_act": "gelu"},
}


def text_config(kind: str, size: str, context: int, tokenizer: PreTrainedTokenizerBase) -> PretrainedConfig:
    """Return the configuration of a tower of random weights for this tokenizer."""
    sizes = TINY if size == "tiny" else PUBLISHED_CLIP if kind == "clip" else PUBLISHED
    positions = context + 2 if kind == "roberta" else context  # RoBERTa counts places from the padding id + 1
    tokens = {"bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    return KINDS[kind][0](vocab_size=len(tokenizer), max_position_embeddings=positions, **sizes, **tokens, **AS_PUBLISHED[kind])


def pretrained_config(kind: str, name: str) -> PretrainedConfig:
    """Read the configuration of a hub id or folder and see that it is of the wanted kind."""
    try:
        config = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise BadInput(f"no text tower could be loaded from {name!r}: {str(error).splitlines()[0]}") from error
    config = config.text_config if config.model_type == "clip" else config
    if not isinstance(config, KINDS[kind][0]):
        raise BadInput(f"{name!r} holds a tower of type {config.model_type!r}, the recipe asks for {kind!r}")
    return config


def build_text(config: PretrainedConfig) -> PreTrainedModel:
    """Make a tower of random weights."""
    return next(model for kind, model in KINDS.values() if isinstance(config, kind))(config)


def load_text(kind: str, name: str) -> PreTrainedModel:
    """Load a tower with its weights from a hub id or folder."""
    pretrained_config(kind, name)
    return KINDS[kind][1].from_pretrained(name)
