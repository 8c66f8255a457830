"""SpecAugment (Park et al. 2019) with the widths CLAP was trained with."""

import torch
from torch import Tensor


def spec_augment(mel: Tensor) -> Tensor:
    """Blank two stripes of up to 64 frames and two of up to 8 mels of each clip (n, channels, frames, mels), the same in all channels."""
    n, _, frames, mels = mel.shape
    in_time = stripes(n, frames, widest=64, device=mel.device)[:, None, :, None]
    in_frequency = stripes(n, mels, widest=8, device=mel.device)[:, None, None, :]
    return mel.masked_fill(in_time | in_frequency, 0.0)


def stripes(n: int, length: int, widest: int, device: torch.device) -> Tensor:
    """Draw two stripes for each of n clips: (n, length) bool, true inside a stripe."""
    width = torch.randint(widest, (n, 2, 1), device=device)
    start = (torch.rand(n, 2, 1, device=device) * (length - width)).long()
    place = torch.arange(length, device=device)
    return ((place >= start) & (place < start + width)).any(1)
