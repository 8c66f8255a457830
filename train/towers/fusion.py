"""Feature fusion of long clips: how the parts of a clip join the view of the whole (Wu et al. 2023, section 3.3; Dai et al. 2021)."""

import torch
from torch import Tensor, nn


def gate(channels: int, pooled: bool, reduction: int = 4) -> nn.Sequential:
    """Return a bottleneck of 1x1 convolutions, over the mean of the picture if pooled; indices are the published ones."""
    inner = channels // reduction
    steps: list[nn.Module] = [nn.AdaptiveAvgPool2d(1)] if pooled else []
    steps += [nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, channels, 1), nn.BatchNorm2d(channels)]
    return nn.Sequential(*steps)


class Add(nn.Module):
    """DAF: the sum."""

    def __init__(self, channels: int):
        super().__init__()

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        return whole + parts


class Attentional(nn.Module):
    """AFF: a learnt gate decides, place by place, between the whole and the parts, (n, channels, height, width) each."""

    def __init__(self, channels: int):
        super().__init__()
        self.local_att = gate(channels, pooled=False)
        self.global_att = gate(channels, pooled=True)

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        share = self.share(whole + parts, self.local_att)
        return 2 * whole * share + 2 * parts * (1 - share)

    def share(self, both: Tensor, local: nn.Module) -> Tensor:
        n = len(both)
        if n == 1 and self.training:  # one value has no variance: batch normalisation would refuse it
            both = torch.cat([both, both])
        return torch.sigmoid(local(both) + self.global_att(both))[:n]


class Iterated(Attentional):
    """iAFF: the outcome of one gate feeds a second; as published, both share the pooled branch and nothing is doubled."""

    def __init__(self, channels: int):
        super().__init__(channels)
        self.local_att2 = gate(channels, pooled=False)

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        first = self.share(whole + parts, self.local_att)
        second = self.share(whole * first + parts * (1 - first), self.local_att2)
        return whole * second + parts * (1 - second)


FUSIONS = {"aff": Attentional, "daf": Add, "iaff": Iterated}


def at_least_one(longer: Tensor, rng: torch.Generator) -> Tensor:
    """Mark one random clip of a training batch (n,) as longer if none is, so that the fusion's parameters get gradients."""
    if longer.any():
        return longer
    marked = longer.clone()
    marked[torch.randint(len(longer), (1,), generator=rng)] = True
    return marked


def join_parts(parts: Tensor, n_longer: int, width: int, dim: int) -> Tensor:
    """Lay the three parts of each clip end to end along dim and pad with zeros (or cut) to width.

    parts: (n_longer * 3, channels, height, width'); dim: 2 or 3 of that, the one that is time.
    """
    joined = torch.cat(parts.view(n_longer, 3, *parts.shape[1:]).unbind(1), dim)
    joined = joined.narrow(dim, 0, min(width, joined.shape[dim]))
    missing = width - joined.shape[dim]
    return nn.functional.pad(joined, (0, missing) if dim == 3 else (0, 0, 0, missing))
