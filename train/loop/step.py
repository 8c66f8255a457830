"""One training step: embeddings, loss, gradients, in as little memory as asked for."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from train.loop.loss import contrastive_loss
from train.loop.ranks import all_reduce_mean, rank
from train.recipe import TrainRecipe
from train.towers.fusion import at_least_one
from train.towers.model import Batch, Clap


def train_step(model: Clap, batch: Batch, optimizer: torch.optim.Optimizer, recipe: TrainRecipe, step: int) -> float:
    """Update the model by one batch and return the loss over all ranks; a loss that is not finite is returned without an update."""
    generator = torch.Generator().manual_seed(step_seed(recipe.seed, step))
    torch.manual_seed(step_seed(recipe.seed, step) + 1)
    longer = at_least_one(batch.longer, generator) if model.fused and model.audio_branch.training else batch.longer
    audio, text = embed_batch(model, batch, longer, recipe)
    loss = contrastive_loss(audio, text, model.log_scale, batch.caption if recipe.multi_positive else None)
    whole = loss.detach().clone()
    all_reduce_mean([whole])
    if not whole.isfinite():
        return whole.item()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    all_reduce_mean([p.grad for p in model.parameters() if p.grad is not None])
    if recipe.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
    for group in optimizer.param_groups:
        group["lr"] = recipe.lr * lr_share(step, recipe.warmup, recipe.steps)
    optimizer.step()
    return whole.item()


def embed_batch(model: Clap, batch: Batch, longer: Tensor, recipe: TrainRecipe) -> tuple[Tensor, Tensor]:
    """Embed a batch, in chunks whose activations are computed again in the backward pass (Gao et al. 2021, GradCache)."""
    with torch.autocast(batch.mel.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
        if recipe.chunks == 1:
            return model.embed_audio(batch.mel, longer), model.embed_text(batch.ids, batch.mask)

        def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
            return nullcontext(), statistics_kept(model)

        def in_chunks(tower: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
            parts = zip(*(x.chunk(recipe.chunks) for x in inputs), strict=True)
            return torch.cat([checkpoint(tower, *part, use_reentrant=False, context_fn=contexts) for part in parts])

        return in_chunks(model.embed_audio, batch.mel, longer), in_chunks(model.embed_text, batch.ids, batch.mask)


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Let batch normalisation use, but not count once more, the statistics of what passes through."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, norm.num_batches_tracked.clone()  # type: ignore[union-attr]
    try:
        yield
    finally:
        for norm, (momentum, counted) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, counted


def step_seed(seed: int, step: int) -> int:
    """Return the seed of all that is random in a step on this rank; no state of a generator need be saved to resume."""
    return ((seed * 1_000_003 + step) * 1_009 + rank()) * 2 % 2**62


def lr_share(step: int, warmup: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to zero.

    >>> [round(lr_share(s, 2, 6), 2) for s in range(6)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def make_optimizer(model: Clap, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """AdamW over what is trained; weights of two and more dimensions decay, the rest does not."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)


def lock_towers(model: Clap, which: str) -> None:
    """Keep "audio", "text" or "both" as they are: no gradients; the projections are still trained."""
    model.audio_branch.requires_grad_(which not in ("audio", "both"))
    model.text_branch.requires_grad_(which not in ("text", "both"))


def training_mode(model: Clap) -> None:
    """Switch to training; a locked tower stays in evaluation mode, its batch statistics and dropout too."""
    model.train()
    for tower in (model.audio_branch, model.text_branch):
        tower.train(any(p.requires_grad for p in tower.parameters()))


def save_memory(model: Clap, wanted: bool) -> None:
    """Let both towers compute activations again in the backward pass instead of keeping them."""
    if wanted:
        model.audio_branch.checkpointing = True
        model.text_branch.activation_checkpointing_enable({"use_reentrant": False})
