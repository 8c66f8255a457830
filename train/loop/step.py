"""One training step: embeddings, loss, gradients, update; in chunks if memory is short."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from train.errors import Stopped
from train.loop.finite import REMEDY, check_gradients, check_rows, check_weights
from train.loop.loss import pair_loss
from train.loop.optimizer import set_rates
from train.loop.ranks import all_reduce_mean, rank
from train.recipe import TrainRecipe
from train.towers.fusion import mark_at_least_one
from train.towers.model import Batch, Clap


def train_step(model: Clap, batch: Batch, optimizer: torch.optim.Optimizer, recipe: TrainRecipe, step: int) -> float:
    """Update the model with one batch. Return the loss, averaged over all ranks.

    What is random depends on (seed, step, rank).

    Raise Stopped if embeddings, loss, gradients or the new weights are not finite; the model is updated in the last case only.
    """
    generator = torch.Generator().manual_seed(step_seed(recipe.seed, step))
    torch.manual_seed(step_seed(recipe.seed, step) + 1)
    longer = mark_at_least_one(batch.longer, generator) if model.fused and model.audio_branch.training else batch.longer
    audio, text = embed_batch(model, batch, longer, recipe)
    loss = pair_loss(model, audio, text, batch.caption if recipe.multi_positive else None)
    mean_loss = loss.detach().clone()
    all_reduce_mean([mean_loss])
    if not mean_loss.isfinite():  # on all ranks at the same time: none waits for one that stopped
        check_rows(step + 1, {"audio": audio, "text": text}, batch.keys)
        raise Stopped(f"step {step + 1}: the loss is {mean_loss.item()}, because of the temperature or of another rank; {REMEDY}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    all_reduce_mean([p.grad for p in model.parameters() if p.grad is not None])
    norm = check_gradients(step + 1, model, batch.keys)
    if recipe.clip_norm:
        nn.utils.clip_grads_with_norm_(model.parameters(), recipe.clip_norm, norm)
    set_rates(optimizer, recipe, step)
    optimizer.step()
    check_weights(step + 1, model, batch.keys)
    return mean_loss.item()


def embed_batch(model: Clap, batch: Batch, longer: Tensor, recipe: TrainRecipe) -> tuple[Tensor, Tensor]:
    """Embed a batch: unit vectors audio and text, (n, 512) float32 each.

    With recipe.accumulate > 1, the activations of a chunk are computed again in the backward pass (Gao et al. 2021, GradCache).
    """
    with torch.autocast(batch.mel.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
        if recipe.accumulate == 1:
            return model.embed_audio(batch.mel, longer), model.embed_text(batch.ids, batch.mask)

        def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
            return nullcontext(), frozen_statistics(model)

        def in_chunks(tower: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
            parts = zip(*(x.chunk(recipe.accumulate) for x in inputs), strict=True)
            return torch.cat([checkpoint(tower, *part, use_reentrant=False, context_fn=contexts) for part in parts])

        return in_chunks(model.embed_audio, batch.mel, longer), in_chunks(model.embed_text, batch.ids, batch.mask)


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


def step_seed(seed: int, step: int) -> int:
    """Return the seed of a step on this rank. Because of it, a resumed run needs no saved state of generators."""
    return ((seed * 1_000_003 + step) * 1_009 + rank()) * 2 % 2**62


def lock_towers(model: Clap, which: str) -> None:
    """Exclude the towers "audio", "text" or "both" from training. The projections are still trained."""
    model.audio_branch.requires_grad_(which not in ("audio", "both"))
    model.text_branch.requires_grad_(which not in ("text", "both"))


def set_training_mode(model: Clap) -> None:
    """Switch to training mode. A locked tower stays in evaluation mode: no dropout, and its batch statistics do not change."""
    model.train()
    for tower in (model.audio_branch, model.text_branch):
        tower.train(any(p.requires_grad for p in tower.parameters()))


def enable_checkpointing(model: Clap) -> None:
    """Let both towers compute activations again in the backward pass instead of storing them."""
    model.audio_branch.checkpointing = True
    model.text_branch.activation_checkpointing_enable({"use_reentrant": False})
