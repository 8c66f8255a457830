"""Modes of the towers: locked, in training, with activations that are computed again."""

from torch import nn

from train.towers.model import Clap


def lock_towers(model: Clap, which: str) -> None:
    """Exclude the towers "audio", "text" or "both" from training. The projections are still trained."""
    model.audio_branch.requires_grad_(which not in ("audio", "both"))
    model.text_branch.requires_grad_(which not in ("text", "both"))


def set_training_mode(model: Clap) -> None:
    """Switch to training mode. A locked tower stays in evaluation mode: no dropout, and its batch statistics do not change."""
    model.train()
    for tower in (model.audio_branch, model.text_branch):
        tower.train(is_trained(tower))


def is_trained(tower: nn.Module) -> bool:
    """Return whether a tower has weights that are trained."""
    return any(p.requires_grad for p in tower.parameters())


def enable_checkpointing(model: Clap) -> None:
    """Let both towers compute activations again in the backward pass instead of storing them."""
    model.audio_branch.checkpointing = True
    model.text_branch.activation_checkpointing_enable({"use_reentrant": False})
