"""Read a trained model to begin a run with: both towers of transformers' ClapModel, under our names."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, ClapConfig, ClapModel, PretrainedConfig, PreTrainedTokenizerBase, RobertaConfig

from train.errors import BadInput
from train.recipe import TrainRecipe
from train.towers.clap_model import DERIVED, RENAMED
from train.towers.htsat import SIZES, HtsatConfig
from train.towers.model import EMBEDDING
from train.towers.text import read_weights_of
from train.towers.tokenizer import load_tokenizer

QKV = (".attention.self.query.", ".attention.self.key.", ".attention.self.value.")
TEXT = ("text_branch.", "text_model.")  # within it, names are equal
HTSATS = {("htsat-tiny", "published"): "htsat-tiny", ("htsat-base", "published"): "htsat-base", ("htsat-tiny", "tiny"): "htsat-mini"}


@dataclass(frozen=True)
class TrainedModel:
    """Weights of both towers under our names, the configuration of the text tower, and its tokenizer."""

    weights: dict[str, Tensor]
    text: PretrainedConfig
    tokenizer: PreTrainedTokenizerBase
    is_sigmoid: bool = False


def check_same_towers(recipe: TrainRecipe, theirs: dict[str, str]) -> None:
    """Raise BadInput unless the recipe's keys have these values, which are those of the model in recipe.weights."""
    wrong = {key: value for key, value in theirs.items() if getattr(recipe, key) != value}
    if wrong:
        named = " and ".join(f"{key} = {value!r}, the recipe {getattr(recipe, key)!r}" for key, value in wrong.items())
        changes = " ".join(f"{key}={value}" for key, value in wrong.items())
        raise BadInput(f"weights = {recipe.weights!r}: the model has {named}; --set {changes}")


def read_clap(recipe: TrainRecipe) -> TrainedModel:
    """Read the ClapModel of a folder or hub id. Raise BadInput if there is none, or if its towers are not those of the recipe."""
    name = recipe.weights
    try:
        config = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"weights = {name!r} is no run, and no ClapModel could be loaded from it: {reason}") from error
    if not isinstance(config, ClapConfig):
        raise BadInput(f"weights = {name!r} holds a model of type {config.model_type!r}; give a run, or a ClapModel of transformers")
    check_same_towers(recipe, {**towers_of(config, name), "text": "roberta"})
    model = read_weights_of(ClapModel, name, config)
    return TrainedModel(own_names(model.state_dict()), roberta_config(model.text_model.config), load_tokenizer(name))


def roberta_config(text: PretrainedConfig) -> RobertaConfig:
    """Return the configuration of a ClapModel's text tower as that of the RoBERTa that it is."""
    shared = RobertaConfig().to_dict().keys() - {"model_type", "architectures", "transformers_version"}
    return RobertaConfig(**{key: value for key, value in text.to_dict().items() if key in shared})


def towers_of(config: ClapConfig, name: str) -> dict[str, str]:
    """Return the recipe's keys that describe the audio tower of a ClapModel. Raise BadInput if no recipe has such a tower."""
    audio: Any = config.audio_config
    sizes = HtsatConfig(audio.patch_embeds_hidden_size, tuple(audio.depths), tuple(audio.num_attention_heads))
    fusion = "aff" if audio.enable_fusion else "none"
    for (tower, size), known in HTSATS.items():
        if replace(SIZES[known], drop_path=sizes.drop_path) == sizes and config.projection_dim == EMBEDDING:
            return {"audio": tower, "size": size, "fusion": fusion}
    known_sizes = f"widths of {', '.join(str(SIZES[known].width) for known in HTSATS.values())} and embeddings of {EMBEDDING}"
    raise BadInput(f"weights = {name!r} has other sizes than the towers of this trainer, which have {known_sizes}")


def own_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a ClapModel under our names. Query, key and value are joined, and one of the two temperatures is taken."""
    renamed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        in_audio = name.startswith("audio_model.")
        if name == "logit_scale_t" or name.endswith(DERIVED) or (in_audio and any(part in name for part in QKV[1:])):
            continue
        if in_audio and QKV[0] in name:
            weight = torch.cat([weights[name.replace(QKV[0], part)] for part in QKV])
            name = name.replace(QKV[0], ".attn.qkv.")
        for ours, theirs in (TEXT,) if name.startswith(TEXT[1]) else RENAMED:
            name = name.replace(theirs, ours, 1)
        renamed[name] = weight
    return renamed
