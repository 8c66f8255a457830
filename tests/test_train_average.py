"""The moving average of weights: its values, its use in place of the weights, and what is saved of it."""

import pytest
import torch

from train.loop.average import MovingAverage, decay_at
from train.recipe import TrainRecipe
from train.towers.model import Clap, build_model
from train.towers.tokenizer import train_tokenizer

TOKENIZER = train_tokenizer(["a dog barks"], 300, 20)


@pytest.fixture
def model() -> Clap:
    torch.manual_seed(0)
    return build_model(TrainRecipe(size="tiny", audio="cnn14"), TOKENIZER)


def shift(model: Clap, by: float) -> None:
    """Add a number to all weights and statistics."""
    with torch.no_grad():
        for x in (*model.parameters(), *model.buffers()):
            x += by if x.is_floating_point() else 1


def values(model: Clap) -> dict[str, torch.Tensor]:
    return {name: x.clone() for name, x in model.state_dict().items()}


def test_a_step_moves_the_average_towards_weights_and_statistics(model):
    start, average = values(model), MovingAverage(model, 0.75)
    shift(model, 8.0)
    average.update(1000)
    weights = average.weights()
    for name in ("audio_branch.conv_block1.conv1.weight", "logit_scale_a", "audio_branch.conv_block6.bn2.running_var"):
        assert torch.allclose(weights[name], start[name] + 2.0, atol=1e-5)
    assert weights.keys() == start.keys() and weights["audio_branch.bn0.num_batches_tracked"] == 1  # a count has no average


def test_the_average_of_a_short_run_forgets_its_start():
    assert decay_at(1, 0.9999) == pytest.approx(2 / 11) and decay_at(10**6, 0.9999) == 0.9999
    assert sorted(decay_at(step, 0.99) for step in range(1, 2000)) == [decay_at(step, 0.99) for step in range(1, 2000)]


def test_in_use_the_model_has_the_average_and_afterwards_its_own_weights_to_the_bit(model):
    average = MovingAverage(model, 0.9)
    shift(model, 0.1)
    average.update(3)
    own, averaged = values(model), {name: x.clone() for name, x in average.weights().items()}
    with pytest.raises(ZeroDivisionError), average.in_use():
        assert all(torch.equal(x, averaged[name]) for name, x in values(model).items())
        raise ZeroDivisionError
    assert all(torch.equal(x, own[name]) for name, x in values(model).items())
    assert all(torch.equal(x, averaged[name]) for name, x in average.weights().items())


def test_an_average_is_loaded_with_what_it_returned(model):
    average = MovingAverage(model, 0.9)
    shift(model, 5.0)
    average.load(model.state_dict())
    assert all(torch.equal(x, model.state_dict()[name]) for name, x in average.weights().items())


def test_weights_that_two_names_share_are_averaged_once(model):
    model.text_projection = model.audio_projection
    start, average = values(model), MovingAverage(model, 0.5)
    shift(model, 1.0)
    average.update(1000)
    weights = average.weights()
    assert torch.equal(weights["text_projection.0.bias"], weights["audio_projection.0.bias"])
    assert torch.allclose(weights["text_projection.0.bias"], start["text_projection.0.bias"] + 0.5)
    with average.in_use():
        assert torch.allclose(model.audio_projection[0].bias, start["audio_projection.0.bias"] + 0.5)
    assert torch.allclose(model.audio_projection[0].bias, start["audio_projection.0.bias"] + 1.0)
