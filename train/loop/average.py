"""The moving average of a model's weights, which often scores better than the weights of the last step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from train.loop.parallel import complete, local, shared_like
from train.towers.model import Clap


class MovingAverage:
    """Exponential moving average of weights, and of the statistics of batch normalisation that belong to them.

    It begins as a copy of the model, which has its weights and is on its device. decay: share of the old average that a step keeps.
    """

    def __init__(self, model: Clap, decay: float):
        self.model, self.decay = model, decay
        numbers = [*model.parameters(), *model.buffers()]  # each once, also where two names share it
        self.averages: dict[Tensor, Tensor] = {x: x.detach().clone() for x in numbers if x.is_floating_point()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights after a step into the average. step: the steps taken so far."""
        decay = decay_at(step, self.decay)
        averages, numbers = ([local(x.detach()) for x in tensors] for tensors in (self.averages.values(), self.averages))
        get_ema_multi_avg_fn(decay)(averages, numbers, step)

    def weights(self) -> dict[str, Tensor]:
        """Return the average under the names of the model's weights, complete: what is not averaged is the model's.

        All ranks must call this.
        """
        return {name: complete(self.averages.get(x, x).detach()) for name, x in self.model.state_dict(keep_vars=True).items()}

    @torch.no_grad()
    def load(self, weights: dict[str, Tensor]) -> None:
        """Set the average to what `weights` returned, with any number of ranks."""
        for name, x in self.model.state_dict(keep_vars=True).items():
            if x in self.averages:
                self.averages[x].copy_(shared_like(weights[name], x))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give the model the averaged weights; afterwards, also after an error, give it its own again, to the bit."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for live, average in self.averages.items():
            own = live.clone()
            live.copy_(average)
            average.copy_(own)


def decay_at(step: int, decay: float) -> float:
    """Return the decay of a step, which counts from 1: low at first, so that the weights of the start are soon forgotten.

    >>> [round(decay_at(step, 0.999), 3) for step in (1, 90, 100_000)]
    [0.182, 0.91, 0.999]
    """
    return min(decay, (1 + step) / (10 + step))
