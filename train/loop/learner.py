"""What a training step changes: a model on one or several ranks, its optimizer, and the scale of the loss with fp16."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn

from train.loop.average import MovingAverage
from train.loop.modes import lock_towers
from train.loop.objective import Objective
from train.loop.optimizer import make_optimizer
from train.loop.parallel import complete_weights, load_optimizer_state, optimizer_state, parallelize, put_shares_first
from train.loop.ranks import all_reduce_mean, world_size
from train.recipe import TrainRecipe
from train.towers.model import Clap


@dataclass
class Learner:
    """A model in training.

    objective: computes the loss of a batch; its backward pass averages gradients over the ranks. scaler: multiplies the loss with fp16,
    else it does nothing. average: of the weights, if the recipe asks for it. spare: with FSDP2, a model on the CPU to which the weights
    are copied to be scored.
    """

    recipe: TrainRecipe
    model: Clap
    objective: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: MovingAverage | None = None
    spare: Clap | None = None

    def lock(self, which: str) -> None:
        """Lock the towers "audio", "text" or "both" from the next step on, and train the others."""
        before = [p.requires_grad for p in self.model.parameters()]
        lock_towers(self.model, which)
        if self.spare is None and before != [p.requires_grad for p in self.model.parameters()]:
            # DDP averages the gradients of the weights that were trained when it was made.
            self.objective = parallelize(Objective(self.model, self.recipe), self.model, self.recipe.parallel)

    @contextmanager
    def scored_model(self) -> Iterator[Clap]:
        """Yield a model that a rank can use without the others, with the average of the weights if there is one. All ranks must enter."""
        with self.average.in_use() if self.average else nullcontext():
            if self.spare is None:
                yield self.model
                return
            self.spare.load_state_dict(complete_weights(self.model))
        yield self.spare.to(self.model.logit_scale_a.device)
        self.spare.cpu()

    def average_statistics(self) -> None:
        """Replace the statistics of batch normalisation by their mean over the ranks, so that all ranks have the model that is saved."""
        statistics = [b for b in self.model.buffers() if b.is_floating_point()]
        all_reduce_mean(statistics)
        if self.average:
            all_reduce_mean([self.average.averages[b] for b in statistics])

    def state(self) -> dict:
        """Return what a checkpoint holds of the learner, the same with any number of ranks and either kind. All ranks must call this."""
        ema = {"ema": self.average.weights()} if self.average else {}
        state = {"model": complete_weights(self.model), "optimizer": optimizer_state(self.model, self.optimizer)}
        return state | ema | {"scaler": self.scaler.state_dict()}

    def load(self, saved: dict) -> None:
        """Set all but the weights to what `state` returned. The weights are loaded before: they are divided over the ranks already."""
        load_optimizer_state(self.model, self.optimizer, saved["optimizer"])
        self.scaler.load_state_dict(saved["scaler"])
        if self.average:
            self.average.load(saved["ema"])


def make_learner(model: Clap, recipe: TrainRecipe) -> Learner:
    """Return a learner of a model that has its weights and is on its device. Its towers are locked as they are now."""
    is_sharded = recipe.parallel == "fsdp" and world_size() > 1
    spare = copy.deepcopy(model).cpu().eval() if is_sharded else None
    objective = parallelize(Objective(model, recipe), model, recipe.parallel)
    optimizer = make_optimizer(model, recipe)
    put_shares_first(optimizer)
    scaler = torch.amp.GradScaler(model.logit_scale_a.device.type, enabled=recipe.precision == "fp16")
    average = MovingAverage(model, recipe.ema) if recipe.ema else None
    return Learner(recipe, model, objective, optimizer, scaler, average, spare)
