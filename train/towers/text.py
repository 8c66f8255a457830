"""Text towers of transformers: RoBERTa, BERT and CLIP's with random weights, and every text encoder from a hub id or folder."""

import inspect
from collections.abc import Mapping
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

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
    if config.model_type != MODEL_TYPES.get(kind, kind):
        names = {theirs: ours for ours, theirs in MODEL_TYPES.items()}
        given = names.get(config.model_type, config.model_type)
        raise BadInput(f"{name!r} holds a tower of type {given!r}, the recipe asks for {kind!r}; --set text={given}")
    return config


def check_tower(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase, context: int, checkpointing: bool = False) -> None:
    """Check that a tower can embed captions, has all tokens of a tokenizer, and as many positions as the context.

    Raise BadInput if not, or if its activations cannot be computed again although `checkpointing` asks for it.
    """
    kind = config.model_type
    if config.is_encoder_decoder and type(config) not in MODEL_FOR_TEXT_ENCODING_MAPPING:
        raise BadInput(f"a tower of type {kind!r} has a decoder; give one that is an encoder, such as roberta, mpnet or t5")
    try:
        with torch.device("meta"):  # without memory for weights
            tower = build_tower(config)
    except ValueError as error:
        raise BadInput(f"transformers makes no text tower of type {kind!r}; give another, such as roberta or mpnet") from error
    if "attention_mask" not in inspect.signature(tower.forward).parameters:
        raise BadInput(f"a tower of type {kind!r} does not tell captions from padding; give another, such as roberta or mpnet")
    if checkpointing and not tower.supports_gradient_checkpointing:
        raise BadInput(f"a tower of type {kind!r} cannot compute activations again; --set checkpointing=false")
    if len(tokenizer) > config.vocab_size:
        raise BadInput(f"the tokenizer is of another tower: it has {len(tokenizer)} tokens, the tower has {config.vocab_size}")
    positions = n_positions(tower)
    if positions is not None and context > positions:
        raise BadInput(f"context = {context}, but the text tower has {positions} positions; --set context={positions}")


def n_positions(tower: PreTrainedModel) -> int | None:
    """Return how many tokens a tower can take, or None if there is no limit (T5).

    A table of positions with a padding entry, as RoBERTa's and MPNet's, is used from the entry after that on.
    """
    limit = getattr(tower.config, "max_position_embeddings", None)
    tables = (table for name, table in tower.named_modules() if isinstance(table, nn.Embedding) and "position" in name)
    padding = [table.padding_idx + 1 for table in tables if table.padding_idx is not None]
    return limit if limit is None else limit - max(padding, default=0)


def build_tower(config: PretrainedConfig) -> PreTrainedModel:
    """Return a tower with random weights, float32 whatever the type of the weights that the configuration was saved with."""
    return _class_of(config).from_config(config, dtype=torch.float32)


def load_tower(kind: str, name: str) -> PreTrainedModel:
    """Load a tower with its weights, as float32, from a hub id or folder.

    Raise BadInput as pretrained_config does, and if weights cannot be read or are missing. Only the pooler may be: RoBERTa and BERT are
    published without one, and it starts from random weights.
    """
    config = pretrained_config(kind, name)
    return read_weights_of(_class_of(config), name, config, may_be_missing="pooler.")


def read_weights_of(model: Any, name: str, config: PretrainedConfig, may_be_missing: str | None = None) -> Any:
    """Load a class of transformers with its weights, as float32, from a hub id or folder.

    may_be_missing: beginning of names of weights that may be missing. Raise BadInput if others are, or if weights cannot be read.
    """
    try:
        loaded, info = model.from_pretrained(name, config=config, dtype=torch.float32, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
        raise BadInput(f"the weights of {name!r} cannot be read: {(str(error) or type(error).__name__).splitlines()[0]}") from error
    missing = sorted(weight for weight in info["missing_keys"] if may_be_missing is None or not weight.startswith(may_be_missing))
    if missing:
        raise BadInput(f"{name!r} lacks {len(missing)} weights of its model, the first is {missing[0]}; give a complete one")
    return loaded


def _class_of(config: PretrainedConfig) -> Any:
    """Return the class that makes a tower: of T5 the encoder alone."""
    return AutoModelForTextEncoding if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING else AutoModel


def pool(output: Mapping[str, Tensor], mask: Tensor) -> Tensor:
    """Return one vector a caption, (n, width): the tower's own, or the mean over its tokens if it has none. mask: (n, n_tokens)."""
    if output.get("pooler_output") is not None:
        return output["pooler_output"]
    weights = mask[..., None].to(output["last_hidden_state"].dtype)
    return (output["last_hidden_state"] * weights).sum(1) / weights.sum(1)
