"""The optimizer: which parameters it updates, and at which learning rates."""

import math
from collections import defaultdict

import torch
from torch import nn

from train.recipe import TrainRecipe
from train.towers.cnn14 import Cnn14
from train.towers.htsat import Htsat
from train.towers.model import Clap

FUSION_OF_CNN14 = ("mel_conv2d.", "fusion_model.")  # registered last, but used between the first two layers


def make_optimizer(model: Clap, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """Return AdamW over the parameters that are trained, now or after unlock_after steps.

    Those of two and more dimensions have weight decay. A group has one weight decay, and one `factor` by which its learning rate differs
    from that of the recipe.
    """
    factors = rate_factors(model, recipe)
    groups = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad or recipe.unlock_after:
            groups[factors[name], recipe.weight_decay if parameter.ndim >= 2 else 0.0].append(parameter)
    described = [{"params": params, "factor": factor, "weight_decay": decay} for (factor, decay), params in groups.items()]
    return torch.optim.AdamW(described, lr=recipe.lr, fused=True)


def rate_factors(model: Clap, recipe: TrainRecipe) -> dict[str, float]:
    """Return, for each parameter, its learning rate over that of the recipe. It is 1 for projections and temperature.

    The last layer of a tower has the tower's factor times layer_decay, each layer before it layer_decay times that of the next.
    """
    factors = {name: 1.0 for name, _ in model.named_parameters()}
    towers = {"audio_branch": recipe.audio_lr_factor, "text_branch": recipe.text_lr_factor}
    for tower, factor in towers.items():
        numbers = layer_numbers(model.get_submodule(tower))
        end = max(numbers.values()) + 1
        factors |= {f"{tower}.{name}": factor * recipe.layer_decay ** (end - number) for name, number in numbers.items()}
    return factors


def layer_numbers(tower: nn.Module) -> dict[str, int]:
    """Return the number of the layer that each parameter belongs to: 1 for the first layer, 0 for what comes before it (embeddings).

    What comes after a layer, such as a last normalisation, counts as part of it.
    """
    layer_of = {p: number for number, layer in enumerate(layers(tower), 1) for p in layer.parameters()}
    numbers, number = {}, 0
    for name, parameter in tower.named_parameters():
        number = layer_of.get(parameter, number)
        numbers[name] = 0 if name.startswith(FUSION_OF_CNN14) else number
    return numbers


def layers(tower: nn.Module) -> list[nn.Module]:
    """Return the layers of a tower, from input to output: the blocks of HTSAT and CNN14; of a text tower its first list of modules."""
    if isinstance(tower, Htsat):
        return [block for stage in tower.layers for block in stage.get_submodule("blocks").children()]
    if isinstance(tower, Cnn14):
        return [tower.get_submodule(f"conv_block{i}") for i in range(1, 7)]
    return next((list(part) for part in tower.modules() if isinstance(part, nn.ModuleList)), [])


def set_rates(optimizer: torch.optim.Optimizer, recipe: TrainRecipe, step: int) -> None:
    """Set the learning rate of each group for a step, which counts from 0."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(recipe, step) * group["factor"]


def learning_rate(recipe: TrainRecipe, step: int) -> float:
    """Return the learning rate of a step, before the factors of towers and layers."""
    return recipe.lr * lr_factor(step, recipe.warmup, recipe.steps)


def lr_factor(step: int, warmup: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up to 1, then half a cosine down to 0.

    >>> [round(lr_factor(s, 2, 6), 2) for s in range(6)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def locked_towers(recipe: TrainRecipe, step: int) -> str:
    """Return which towers are locked in a step, which counts from 0: "", "audio", "text" or "both".

    >>> [locked_towers(TrainRecipe(lock="text", unlock_after=2), step) for step in (1, 2)]
    ['text', '']
    """
    return "" if recipe.unlock_after and step >= recipe.unlock_after else recipe.lock
