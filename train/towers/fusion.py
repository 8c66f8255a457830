"""Feature fusion of long clips (Wu et al. 2023, section 3.3; Dai et al. 2021).

A clip of more than 10 s has a global map (the complete clip, shrunk to 10 s) and a map of three parts (front, middle, back).
"""

import torch
from torch import Tensor, nn


def bottleneck(channels: int, pooled: bool, reduction: int = 4) -> nn.Sequential:
    """Return a bottleneck of 1x1 convolutions, after global average pooling if pooled. Its indices are those of published checkpoints."""
    inner = channels // reduction
    steps: list[nn.Module] = [nn.AdaptiveAvgPool2d(1)] if pooled else []
    steps += [nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, channels, 1), nn.BatchNorm2d(channels)]
    return nn.Sequential(*steps)


class Add(nn.Module):
    """DAF: add both maps."""

    def __init__(self, channels: int):
        super().__init__()

    def forward(self, global_map: Tensor, parts: Tensor) -> Tensor:
        return global_map + parts


class Attentional(nn.Module):
    """AFF: weight both maps, (n, channels, height, width) each, by a learnt gate at every position."""

    def __init__(self, channels: int):
        super().__init__()
        self.local_att = bottleneck(channels, pooled=False)
        self.global_att = bottleneck(channels, pooled=True)

    def forward(self, global_map: Tensor, parts: Tensor) -> Tensor:
        weight = self.gate(global_map + parts, self.local_att)
        return 2 * global_map * weight + 2 * parts * (1 - weight)

    def gate(self, both: Tensor, local: nn.Module) -> Tensor:
        """Return the weight of the global map, between 0 and 1, from the sum of both maps."""
        n = len(both)
        if n == 1 and self.training:  # batch normalisation raises an error for a single value, which has no variance
            both = torch.cat([both, both])
        return torch.sigmoid(local(both) + self.global_att(both))[:n]


class Iterated(Attentional):
    """iAFF: fuse twice; the first result is the input of the second gate. As published, both gates share the pooled branch."""

    def __init__(self, channels: int):
        super().__init__(channels)
        self.local_att2 = bottleneck(channels, pooled=False)

    def forward(self, global_map: Tensor, parts: Tensor) -> Tensor:
        first = self.gate(global_map + parts, self.local_att)
        second = self.gate(global_map * first + parts * (1 - first), self.local_att2)
        return global_map * second + parts * (1 - second)


FUSIONS = {"aff": Attentional, "daf": Add, "iaff": Iterated}


def mark_at_least_one(longer: Tensor, rng: torch.Generator) -> Tensor:
    """Mark a random clip of a training batch, (n,) bool, as longer if none is, so that the fusion's parameters get gradients."""
    if longer.any():
        return longer
    marked = longer.clone()
    marked[torch.randint(len(longer), (1,), generator=rng)] = True
    return marked


def join_parts(parts: Tensor, n_longer: int, width: int, dim: int) -> Tensor:
    """Concatenate the three parts of each clip along time, then pad with zeros or cut to `width`.

    parts: (n_longer * 3, channels, height, width). dim: the dimension that is time, 2 or 3.
    """
    joined = torch.cat(parts.view(n_longer, 3, *parts.shape[1:]).unbind(1), dim)
    joined = joined.narrow(dim, 0, min(width, joined.shape[dim]))
    missing = width - joined.shape[dim]
    return nn.functional.pad(joined, (0, missing) if dim == 3 else (0, 0, 0, missing))
