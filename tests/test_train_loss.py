"""The contrastive and the sigmoid loss, on one rank and on two."""

import math

import pytest
import torch
from torch.nn import functional as F

from tests.train_runs import on_two_ranks
from train.loop.loss import contrastive_loss, sigmoid_loss
from train.loop.ranks import rank


def pairs(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    audio, text = (F.normalize(torch.randn(n, 16, generator=generator), dim=-1).requires_grad_() for _ in range(2))
    return audio, text


def test_it_is_the_mean_of_both_directions():
    audio, text = pairs(6)
    logits = 14.3 * audio @ text.T
    right = torch.arange(6)
    expected = (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2
    assert contrastive_loss(audio, text, torch.tensor(math.log(14.3))).item() == pytest.approx(expected.item(), rel=1e-6)
    twice_text = F.cross_entropy(logits.T, right)  # what transformers' ClapModel computes
    assert abs(expected - twice_text) > 1e-3


def test_with_multi_positive_equal_captions_are_positives_of_each_other():
    audio, text = pairs(4)
    scale, caption = torch.tensor(1.0), torch.tensor([7, 8, 9, 7])
    logits = scale.exp() * audio @ text.T
    share = torch.tensor([[0.5, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0.5, 0, 0, 0.5]])
    expected = (F.cross_entropy(logits, share) + F.cross_entropy(logits.T, share)) / 2
    assert contrastive_loss(audio, text, scale, caption).item() == pytest.approx(expected.item(), rel=1e-6)
    assert contrastive_loss(audio, text, scale).item() != pytest.approx(expected.item(), rel=1e-2)


def test_with_different_captions_multi_positive_changes_nothing():
    audio, text = pairs(5)
    assert torch.allclose(
        contrastive_loss(audio, text, torch.tensor(2.0)), contrastive_loss(audio, text, torch.tensor(2.0), torch.arange(5))
    )


def test_the_sigmoid_loss_judges_every_pair_by_itself():
    audio, text = pairs(5)
    scale, bias, expected = torch.tensor(math.log(10.0)), torch.tensor(-10.0), 0.0
    for i in range(5):
        for j in range(5):
            logit = 10.0 * (audio[i] @ text[j]).item() - 10.0
            expected += math.log1p(math.exp(-logit if i == j else logit)) / 5
    assert sigmoid_loss(audio, text, scale, bias).item() == pytest.approx(expected, rel=1e-5)


def test_with_multi_positive_equal_captions_are_positives_in_the_sigmoid_loss():
    audio, text = pairs(3)
    scale, bias = torch.tensor(1.0), torch.tensor(-2.0)
    logits = scale.exp() * audio @ text.T + bias
    signs = torch.tensor([[1, -1, 1], [-1, 1, -1], [1, -1, 1]])
    expected = -F.logsigmoid(signs * logits).sum() / 3
    assert sigmoid_loss(audio, text, scale, bias, torch.tensor([4, 5, 4])).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_the_sigmoid_loss_of_large_similarities_is_finite(logit):
    audio, text = pairs(2)
    loss = sigmoid_loss(audio, text, torch.tensor(0.0), torch.tensor(logit, requires_grad=True))
    loss.backward()
    assert loss.item() == pytest.approx(1e4, rel=1e-3) and audio.grad.isfinite().all()


CAPTIONS = torch.tensor([0, 1, 2, 3, 0, 1, 4, 5])  # equal ones are on different ranks
WAYS = [(loss, multi_positive) for loss in ("softmax", "sigmoid") for multi_positive in (False, True)]


def loss_and_gradients(way: tuple[str, bool], first: int, last: int) -> list[torch.Tensor]:
    """Return the loss of the pairs first to last - 1 of 8, and its gradients by audio, text, scale and, with the sigmoid loss, bias."""
    audio, text = (x.detach()[first:last].clone().requires_grad_() for x in pairs(8))
    scale, bias = (torch.tensor(x, requires_grad=True) for x in (2.0, -1.0))
    loss, multi_positive = way
    caption = CAPTIONS[first:last] if multi_positive else None
    value = sigmoid_loss(audio, text, scale, bias, caption) if loss == "sigmoid" else contrastive_loss(audio, text, scale, caption)
    value.backward()
    return [value.detach(), audio.grad, text.grad, scale.grad, bias.grad if loss == "sigmoid" else torch.ones(())]


def half_on_each_rank() -> list[list[torch.Tensor]]:
    return [loss_and_gradients(way, 4 * rank(), 4 * rank() + 4) for way in WAYS]


@pytest.fixture(scope="module")
def on_ranks():
    return on_two_ranks(half_on_each_rank)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_mean_over_two_ranks_is_the_loss_and_the_gradients_of_one(on_ranks, way):
    losses, audio, text, *numbers = zip(*(results[WAYS.index(way)] for results in on_ranks), strict=True)
    expected = loss_and_gradients(way, 0, 8)
    assert torch.stack(losses).mean() == pytest.approx(expected[0].item(), abs=1e-6)
    assert torch.allclose(torch.cat(audio) / 2, expected[1], atol=1e-6)  # parameters get the mean over ranks
    assert torch.allclose(torch.cat(text) / 2, expected[2], atol=1e-6)
    for parts, number in zip(numbers, expected[3:], strict=True):
        assert torch.stack(parts).mean() == pytest.approx(number.item(), abs=1e-6)
    assert expected[1].norm() > 0.1 and expected[3].abs() > 0.01 and expected[4].abs() > 0.01


@pytest.mark.parametrize("way", WAYS[::2], ids=str)
def test_the_loss_of_two_ranks_is_not_that_of_their_own_pairs_alone(on_ranks, way):
    for rank_, results in enumerate(on_ranks):
        alone = loss_and_gradients(way, 4 * rank_, 4 * rank_ + 4)
        assert abs(results[WAYS.index(way)][0] - alone[0]) > 0.1  # 4 negatives more
