"""The losses over the pairs of all ranks: cross entropy both ways (Radford et al. 2021; Wu et al. 2023), or a sigmoid for each pair."""

import torch
from torch import Tensor
from torch.nn import functional as F

from train.loop.ranks import all_gather, rank, world_size
from train.towers.model import Clap


def pair_loss(model: Clap, audio: Tensor, text: Tensor, caption: Tensor | None = None) -> Tensor:
    """Return the loss that a model is trained by: the sigmoid loss if it has a bias, else the contrastive loss."""
    if model.logit_bias is None:
        return contrastive_loss(audio, text, model.log_scale, caption)
    return sigmoid_loss(audio, text, model.log_scale, model.logit_bias, caption)


def contrastive_loss(audio: Tensor, text: Tensor, log_scale: Tensor, caption: Tensor | None = None) -> Tensor:
    """Return the mean of audio->text and text->audio cross entropy of this rank's pairs among the pairs of all ranks.

    audio, text: unit vectors (n, 512) of this rank, n equal on all ranks. log_scale: log of the inverse temperature.
    caption: (n,) int64; if given, pairs of equal numbers are positives of each other, else only each pair of itself.
    The mean over ranks of this value, and of its gradients, is that of one process with all pairs.
    """
    all_audio, all_text = all_gather(audio), all_gather(text)
    targets = positives(audio, caption)
    targets = targets / targets.sum(1, keepdim=True)
    scale = log_scale.exp()
    to_text = cross_entropy(scale * audio @ all_text.T, targets)
    to_audio = cross_entropy(scale * text @ all_audio.T, targets)
    return (to_text + to_audio) / 2


def sigmoid_loss(audio: Tensor, text: Tensor, log_scale: Tensor, bias: Tensor, caption: Tensor | None = None) -> Tensor:
    """Return the sigmoid loss of this rank's clips with the texts of all ranks: the sum over texts, the mean over clips.

    It is that of Zhai et al. 2023 (section 3.2). Arguments, and the mean over ranks, as for contrastive_loss. bias: added to similarities
    times scale; it makes most pairs negatives at the start.
    """
    logits = log_scale.exp() * audio @ all_gather(text).T + bias
    return F.softplus(torch.where(positives(audio, caption) > 0, -logits, logits)).sum(1).mean()


def positives(audio: Tensor, caption: Tensor | None) -> Tensor:
    """Return (n, n of all ranks) float32: 1 where a text belongs to a clip of this rank, else 0. Arguments as for contrastive_loss."""
    if caption is not None:
        return (caption[:, None] == all_gather(caption)).float()
    own = torch.arange(len(audio), device=audio.device) + len(audio) * rank()
    return F.one_hot(own, len(audio) * world_size()).float()


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over rows of -sum(targets * log softmax(logits))."""
    return -(targets * logits.log_softmax(1)).sum(1).mean()
