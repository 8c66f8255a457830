"""CLAP: an audio tower and a text tower that embed into one space of 512 dimensions."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from train.recipe import TrainRecipe
from train.towers.cnn14 import Cnn14, Cnn14Config
from train.towers.htsat import SIZES, Htsat, HtsatConfig
from train.towers.text import build_tower, load_tower, pool, text_config

EMBEDDING = 512
SCALE_START, SCALE_MAX = math.log(1 / 0.07), math.log(100)  # Radford et al. 2021, section 2.5
SIGMOID_SCALE_START, SIGMOID_BIAS_START = math.log(10), -10.0  # Zhai et al. 2023, section 3.2


@dataclass(frozen=True)
class Batch:
    """Input of a training step.

    mel: (n, 4 or 1, 1001, 64) dB. longer: (n,) bool. ids, mask: (n, n_tokens). caption: (n,) int64, equal for equal texts.
    keys: of the n samples. broken: messages about samples that were replaced.
    """

    mel: Tensor
    longer: Tensor
    ids: Tensor
    mask: Tensor
    caption: Tensor
    keys: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    def to(self, device: torch.device) -> "Batch":
        """Return a copy with all tensors on a device."""
        moved = {name: x.to(device, non_blocking=True) for name, x in vars(self).items() if isinstance(x, Tensor)}
        return replace(self, **moved)  # type: ignore[arg-type]


class Clap(nn.Module):
    """Both towers, their projections, and the learnt temperature. Parameter names are those of the published checkpoints.

    sigmoid: whether it is trained by the sigmoid loss, which also learns a bias and begins at another temperature.
    """

    def __init__(self, audio: Htsat | Cnn14, text: PreTrainedModel, sigmoid: bool = False):
        super().__init__()
        self.audio_branch = audio
        self.text_branch = text
        self.audio_projection = projection(audio.config.out_width)
        self.text_projection = projection(text.config.hidden_size)
        self.logit_scale_a = nn.Parameter(torch.tensor(SIGMOID_SCALE_START if sigmoid else SCALE_START))
        self.logit_bias = nn.Parameter(torch.tensor(SIGMOID_BIAS_START)) if sigmoid else None

    @property
    def fused(self) -> bool:
        """Whether long clips are fused."""
        return bool(self.audio_branch.config.fusion)

    @property
    def log_scale(self) -> Tensor:
        """Log of the inverse temperature, between 0 and log 100."""
        return self.logit_scale_a.clamp(0, SCALE_MAX)

    def embed_audio(self, mel: Tensor, longer: Tensor) -> Tensor:
        """Turn mels (n, 4 or 1, 1001, 64) in dB and longer (n,) bool into unit vectors (n, 512) float32."""
        return F.normalize(self.audio_projection(self.audio_branch(mel, longer)).float(), dim=-1)

    def embed_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Turn ids and mask (n, n_tokens) into unit vectors (n, 512) float32."""
        pooled = pool(self.text_branch(input_ids=ids, attention_mask=mask), mask)
        return F.normalize(self.text_projection(pooled).float(), dim=-1)


def projection(width: int) -> nn.Sequential:
    """Return the perceptron of two layers that both towers have."""
    return nn.Sequential(nn.Linear(width, EMBEDDING), nn.ReLU(), nn.Linear(EMBEDDING, EMBEDDING))


def build_audio(recipe: TrainRecipe) -> Htsat | Cnn14:
    """Return the audio tower of a recipe, with random weights."""
    fusion = "" if recipe.fusion == "none" else recipe.fusion
    if recipe.audio == "cnn14":
        return Cnn14(Cnn14Config(width=8, dropout=0.0, fusion=fusion) if recipe.size == "tiny" else Cnn14Config(fusion=fusion))
    config: HtsatConfig = SIZES["htsat-mini" if recipe.size == "tiny" else recipe.audio]
    return Htsat(replace(config, fusion=fusion))


def build_model(recipe: TrainRecipe, tokenizer: PreTrainedTokenizerBase, config: PretrainedConfig | None = None) -> Clap:
    """Return the model of a recipe. config: of the text tower, if a checkpoint with its weights is loaded afterwards."""
    if recipe.text_weights and config is None:
        text = load_tower(recipe.text, recipe.text_weights)
    else:
        text = build_tower(config or text_config(recipe.text, recipe.size, recipe.context, tokenizer))
    return Clap(build_audio(recipe), text, sigmoid=recipe.loss == "sigmoid")
