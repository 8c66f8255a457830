"""The symmetric contrastive loss over the pairs of all ranks (Radford et al. 2021; Wu et al. 2023, section 3.1)."""

import torch
from torch import Tensor

from train.loop.ranks import all_gather, rank


def contrastive_loss(audio: Tensor, text: Tensor, log_scale: Tensor, caption: Tensor | None = None) -> Tensor:
    """Return the mean of audio->text and text->audio cross entropy of this rank's pairs among the pairs of all ranks.

    audio, text: unit vectors (n, 512) of this rank, n equal on all ranks. log_scale: log of the inverse temperature.
    caption: (n,) int64; if given, pairs of equal numbers are positives of each other, else only each pair of itself.
    The mean over ranks of this value, and of its gradients, is that of one process with all pairs.
    """
    all_audio, all_text = all_gather(audio), all_gather(text)
    own = torch.arange(len(audio), device=audio.device) + len(audio) * rank()
    if caption is None:
        targets = torch.nn.functional.one_hot(own, len(all_audio)).float()
    else:
        equal = (caption[:, None] == all_gather(caption)).float()
        targets = equal / equal.sum(1, keepdim=True)
    scale = log_scale.exp()
    to_text = cross_entropy(scale * audio @ all_text.T, targets)
    to_audio = cross_entropy(scale * text @ all_audio.T, targets)
    return (to_text + to_audio) / 2


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over rows of -sum(targets * log softmax(logits))."""
    return -(targets * logits.log_softmax(1)).sum(1).mean()
