"""SpecAugment (Park et al. 2019) with the widths of CLAP's training code."""

import torch
from torch import Tensor


def spec_augment(mel: Tensor) -> Tensor:
    """Set two stripes of up to 63 frames and two of up to 7 mels to zero in each clip.

    mel: (n, channels, frames, mels). The stripes are the same in all channels of a clip.
    """
    n, _, frames, mels = mel.shape
    in_time = stripes(n, frames, widest=64, device=mel.device)[:, None, :, None]
    in_frequency = stripes(n, mels, widest=8, device=mel.device)[:, None, None, :]
    return mel.masked_fill(in_time | in_frequency, 0.0)


def stripes(n: int, length: int, widest: int, device: torch.device) -> Tensor:
    """Draw two stripes of less than `widest` for each of n clips: (n, length) bool, true inside a stripe."""
    width = torch.randint(widest, (n, 2, 1), device=device)
    start = (torch.rand(n, 2, 1, device=device) * (length - width)).long()
    position = torch.arange(length, device=device)
    return ((position >= start) & (position < start + width)).any(1)
