"""One training step: loss, gradients, update."""

from dataclasses import dataclass

import torch
from torch import nn

from train.errors import Stopped
from train.loop.finite import REMEDY, check_batch, check_gradients, check_weights, gradient_norm
from train.loop.learner import Learner
from train.loop.optimizer import set_rates
from train.loop.ranks import all_reduce_mean, rank
from train.towers.fusion import mark_at_least_one
from train.towers.model import Batch


@dataclass(frozen=True)
class StepResult:
    """The loss of a step, averaged over all ranks, and whether its update was skipped because gradients overflowed in fp16."""

    loss: float
    is_skipped: bool = False


def train_step(learner: Learner, batch: Batch, step: int) -> StepResult:
    """Update the model with one batch. What is random depends on (seed, step, rank).

    Raise Stopped, on all ranks, if embeddings, loss, gradients or the new weights are not finite; the model is updated in the last case
    only. With fp16, gradients that are not finite skip the update and halve the scale of the loss; they stop the run when it is 1.
    """
    recipe, model, optimizer, scaler = learner.recipe, learner.model, learner.optimizer, learner.scaler
    generator = torch.Generator().manual_seed(step_seed(recipe.seed, step))
    torch.manual_seed(step_seed(recipe.seed, step) + 1)
    longer = mark_at_least_one(batch.longer, generator) if model.fused and model.audio_branch.training else batch.longer
    loss, audio, text = learner.objective(batch, longer)
    mean_loss = loss.detach().clone()
    all_reduce_mean([mean_loss])
    if not mean_loss.isfinite():  # on all ranks at the same time: none waits for one that stopped
        check_batch(step + 1, audio, text, batch.keys)
        raise Stopped(f"step {step + 1}: the loss is {mean_loss.item()}, because of the temperature or of another rank; {REMEDY}")
    optimizer.zero_grad(set_to_none=True)
    scale = scaler.get_scale()  # 1 without fp16
    scaler.scale(loss).backward()  # leaves the mean of the gradients over the ranks
    scaler.unscale_(optimizer)
    norm = gradient_norm(model)
    if scale <= 1:
        check_gradients(step + 1, model, batch.keys, norm)
    if recipe.clip_norm:
        nn.utils.clip_grads_with_norm_(model.parameters(), recipe.clip_norm, norm)
    set_rates(optimizer, recipe, step)
    scaler.step(optimizer)
    scaler.update()
    check_weights(step + 1, model, batch.keys)
    if learner.average:
        learner.average.update(step + 1)
    return StepResult(mean_loss.item(), is_skipped=scaler.get_scale() < scale)


def step_seed(seed: int, step: int) -> int:
    """Return the seed of a step on this rank. Because of it, a resumed run needs no saved state of generators."""
    return ((seed * 1_000_003 + step) * 1_009 + rank()) * 2 % 2**62
