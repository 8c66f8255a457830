"""Compute the loss of a batch; in parts if memory is short."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from train.loop.loss import pair_loss
from train.recipe import TrainRecipe
from train.towers.model import Batch, Clap

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Types of the towers' products by the recipe's precision; fp32 has none."""


class Objective(nn.Module):
    """The loss of a model over the pairs of all ranks. Its parameters are those of the model."""

    def __init__(self, model: Clap, recipe: TrainRecipe):
        super().__init__()
        self.model = model
        self.recipe = recipe

    def forward(self, batch: Batch, longer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the loss of this rank's pairs, and their unit vectors audio and text (n, 512) float32. longer: (n,) bool."""
        audio, text = embed_batch(self.model, batch, longer, self.recipe)
        caption = batch.caption if self.recipe.multi_positive else None
        return pair_loss(self.model, audio, text, caption), audio, text


def embed_batch(model: Clap, batch: Batch, longer: Tensor, recipe: TrainRecipe) -> tuple[Tensor, Tensor]:
    """Embed a batch: unit vectors audio and text, (n, 512) float32 each.

    With recipe.accumulate > 1, the activations of each part are computed again in the backward pass (Gao et al. 2021, GradCache).
    """
    with torch.autocast(batch.mel.device.type, AUTOCAST.get(recipe.precision), enabled=recipe.precision in AUTOCAST):
        if recipe.accumulate == 1:
            return model.embed_audio(batch.mel, longer), model.embed_text(batch.ids, batch.mask)

        def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
            return nullcontext(), frozen_statistics(model)

        def in_parts(tower: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
            parts = zip(*(x.chunk(recipe.accumulate) for x in inputs), strict=True)
            return torch.cat([checkpoint(tower, *part, use_reentrant=False, context_fn=contexts) for part in parts])

        return in_parts(model.embed_audio, batch.mel, longer), in_parts(model.embed_text, batch.ids, batch.mask)


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Let batch normalisation use the statistics of each batch, but not add them to its running statistics."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, norm.num_batches_tracked.clone()  # type: ignore[union-attr]
    try:
        yield
    finally:
        for norm, (momentum, n_tracked) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, n_tracked
