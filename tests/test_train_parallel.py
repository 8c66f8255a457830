"""Two ranks train as one does: with copies of the model or shares of it, in chunks, with locked towers, and if something is not finite."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from tests.train_runs import on_two_ranks
from tests.train_steps import RECIPE, make_batch, make_model
from train.errors import Stopped
from train.loop.learner import Learner, make_learner
from train.loop.modes import lock_towers
from train.loop.parallel import complete, local
from train.loop.ranks import rank, world_size
from train.loop.step import step_seed, train_step
from train.recipe import TrainRecipe
from train.towers.model import Batch

KINDS = ("ddp", "fsdp")
WAYS = {
    "default": {},
    "in parts, clipped, multi-positive": {"accumulate": 2, "clip_norm": 0.1, "multi_positive": True},
    "sigmoid": {"loss": "sigmoid"},
    "audio locked": {"lock": "audio"},
}
N = 4  # clips


def own_share(batch: Batch) -> Batch:
    """Return this rank's clips of a batch of all ranks."""
    return replace(batch, **{name: x.chunk(world_size())[rank()] for name, x in vars(batch).items() if isinstance(x, torch.Tensor)})


def learner_of(recipe: TrainRecipe) -> Learner:
    """Return a learner of the tiny model, in evaluation mode: in training mode each rank draws its own noise."""
    model = make_model(recipe).eval()
    lock_towers(model, recipe.lock)
    return make_learner(model, recipe)


def gradients(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: complete(p.grad) for name, p in learner.model.named_parameters() if p.grad is not None}


def loss_and_gradients(recipe: TrainRecipe, batch: Batch) -> tuple[float, dict[str, torch.Tensor]]:
    """Take a step with this rank's share of a batch. Return the loss and the gradients by name."""
    learner = learner_of(recipe)
    return train_step(learner, own_share(batch), 3).loss, gradients(learner)


def with_longer_clips_on_one_rank(recipe: TrainRecipe) -> tuple[float, dict[str, torch.Tensor]]:
    """Take two steps: the longer clip of the first is on rank 0, that of the second on rank 1. Return loss and gradients of the second."""
    learner = learner_of(recipe)
    for turn in (0, 1):
        longer = torch.arange(N) == turn * N // 2
        result = train_step(learner, own_share(replace(make_batch(N), longer=longer)), 3)
    return result.loss, gradients(learner)


def unlocked_step(recipe: TrainRecipe) -> tuple[float, dict[str, torch.Tensor]]:
    """Take a step after a tower that was locked is unlocked. Return loss and gradients."""
    learner = learner_of(replace(recipe, lock="text", unlock_after=1))
    learner.lock("")
    return train_step(learner, own_share(make_batch(N)), 4).loss, gradients(learner)


def stopped_by(recipe: TrainRecipe, spoil: Callable[[Learner], None]) -> str:
    """Return the message of a step before which something was spoilt on rank 1 alone."""
    learner = learner_of(recipe)
    if rank():
        spoil(learner)
    with pytest.raises(Stopped) as caught:
        train_step(learner, replace(own_share(make_batch(N)), keys=("a", "b")), 2)
    return str(caught.value)


def spoil_statistics(learner: Learner) -> None:
    learner.model.audio_branch.bn0.running_var[3] = torch.inf  # the embeddings stay finite


def spoil_temperature(learner: Learner) -> None:
    learner.model.logit_scale_a.data.fill_(torch.nan)


SPOILS = (spoil_statistics, spoil_temperature)


def overflowing_step(recipe: TrainRecipe) -> tuple[bool, float, bool]:
    """Take a step with a scaled loss in which a gradient of rank 1 overflows. Return is_skipped, the scale, whether weights changed."""
    learner = learner_of(recipe)
    learner.scaler = torch.amp.GradScaler("cpu")
    before = [local(p).clone() for p in learner.model.parameters()]
    if rank():
        learner.model.text_projection[2].register_full_backward_hook(lambda module, inputs, outputs: (inputs[0] * torch.inf,))
    result = train_step(learner, own_share(make_batch(N)), 2)
    changed = any(not torch.equal(x, local(p)) for x, p in zip(before, learner.model.parameters(), strict=True))
    return result.is_skipped, learner.scaler.get_scale(), changed


def on_each_rank() -> dict:
    """Do everything once with copies and once with shares of the model."""
    results: dict = {"seed": step_seed(1, 2)}
    for kind in KINDS:
        recipe = replace(RECIPE, parallel=kind)
        for name, changes in WAYS.items():
            results[kind, name] = loss_and_gradients(replace(recipe, **changes), make_batch(N))
        results[kind, "one rank"] = with_longer_clips_on_one_rank(recipe)
        results[kind, "unlocked"] = unlocked_step(recipe)
        results[kind, "stopped"] = [stopped_by(recipe, spoil) for spoil in SPOILS]
        results[kind, "overflow"] = overflowing_step(recipe)
    return results


@pytest.fixture(scope="module")
def on_ranks():
    return on_two_ranks(on_each_rank)


def check_equal(on_ranks: list[dict], name: str, expected: tuple[float, dict[str, torch.Tensor]]) -> None:
    """Check that loss and gradients are equal on both ranks, and those of one rank, with copies and with shares of the model."""
    for kind in KINDS:
        (first_loss, first), (second_loss, second) = (results[kind, name] for results in on_ranks)
        assert first_loss == second_loss == pytest.approx(expected[0], abs=1e-5)
        assert first.keys() == second.keys() == expected[1].keys()
        assert all(torch.equal(first[parameter], second[parameter]) for parameter in first)
        difference = {parameter: first[parameter] - x for parameter, x in expected[1].items()}
        assert norm_of(difference) < 1e-4 * norm_of(expected[1])


def norm_of(tensors: dict[str, torch.Tensor]) -> float:
    return float(torch.nn.utils.get_total_norm(list(tensors.values())))


@pytest.mark.parametrize("name", WAYS)
def test_two_ranks_step_as_one_with_the_clips_of_both(on_ranks, name):
    check_equal(on_ranks, name, loss_and_gradients(replace(RECIPE, **WAYS[name]), make_batch(N)))


def test_a_rank_need_not_use_all_weights(on_ranks):
    check_equal(on_ranks, "one rank", with_longer_clips_on_one_rank(RECIPE))


def test_a_tower_that_is_unlocked_gets_the_gradients_of_all_ranks(on_ranks):
    expected = unlocked_step(RECIPE)
    assert any(name.startswith("text_branch") for name in expected[1])
    check_equal(on_ranks, "unlocked", expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_finite_on_one_rank_stops_both(on_ranks, kind):
    (statistics, temperature), (own_statistics, own_temperature) = (results[kind, "stopped"] for results in on_ranks)
    assert statistics.startswith("step 3: the weights of another rank are not finite")
    assert own_statistics.startswith("step 3: the weights audio_branch.bn0.running_var are not finite; the batch is a, b")
    assert temperature.startswith("step 3: the loss is nan") and own_temperature.startswith("step 3: the loss is nan")


@pytest.mark.parametrize("kind", KINDS)
def test_an_overflow_on_one_rank_skips_the_update_of_both(on_ranks, kind):
    assert [results[kind, "overflow"] for results in on_ranks] == [(True, 2.0**15, False)] * 2


def test_seeds_differ_by_rank(on_ranks):
    assert on_ranks[0]["seed"] == step_seed(1, 2) != on_ranks[1]["seed"]
