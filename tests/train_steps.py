"""A tiny model, a batch, and one step, which tests of the training loop share."""

import torch

from train.loop.learner import make_learner
from train.loop.parallel import complete
from train.loop.step import train_step
from train.recipe import TrainRecipe
from train.towers.model import Batch, Clap, build_model
from train.towers.tokenizer import tokenize, train_tokenizer

torch.set_num_threads(1)  # tests share their cores with others; waiting threads use CPU time
RECIPE = TrainRecipe(size="tiny", batch=8, steps=10, warmup=1, lr=1e-3, precision="fp32", context=20)
CAPTIONS = ["a dog barks", "rain on a roof", "a dog barks", "a cat", "wind", "the sea at night", "a saw", "two birds sing"]


def make_model(recipe: TrainRecipe = RECIPE) -> Clap:
    torch.manual_seed(0)
    return build_model(recipe, train_tokenizer(CAPTIONS, 300, 20))


def make_batch(n: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(1)
    ids, mask = tokenize(train_tokenizer(CAPTIONS, 300, 20), CAPTIONS[:n], 20)
    mel = torch.randn(n, 4, 1001, 64, generator=generator) * 10 - 40
    return Batch(mel, torch.arange(n) % 4 == 1, ids, mask, torch.tensor([CAPTIONS.index(c) for c in CAPTIONS[:n]]))


def take_step(model: Clap, batch: Batch, recipe: TrainRecipe = RECIPE, at: int = 3) -> float:
    """Take a step and return the loss."""
    return train_step(make_learner(model, recipe), batch, at).loss


def step(model: Clap, recipe: TrainRecipe, batch: Batch) -> tuple[float, torch.Tensor]:
    """Take a step and return loss and all gradients."""
    loss = take_step(model, batch, recipe)
    return loss, torch.cat([complete(p.grad).flatten() for p in model.parameters() if p.grad is not None])
