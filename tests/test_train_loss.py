"""The contrastive loss, on one rank and on two."""

import math

import pytest
import torch
from torch.nn import functional as F

from tests.train_runs import on_two_ranks
from train.loop.loss import contrastive_loss
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


CAPTIONS = torch.tensor([0, 1, 2, 3, 0, 1, 4, 5])  # equal ones are on different ranks


def loss_and_gradients(multi_positive: bool, first: int, last: int) -> list[torch.Tensor]:
    """Return the loss of the pairs first to last - 1 of 8, and its gradients by audio, text and scale."""
    audio, text = (x.detach()[first:last].clone().requires_grad_() for x in pairs(8))
    scale = torch.tensor(2.0, requires_grad=True)
    loss = contrastive_loss(audio, text, scale, CAPTIONS[first:last] if multi_positive else None)
    loss.backward()
    return [loss.detach(), audio.grad, text.grad, scale.grad]


def half_on_each_rank() -> list[list[torch.Tensor]]:
    return [loss_and_gradients(multi_positive, 4 * rank(), 4 * rank() + 4) for multi_positive in (False, True)]


@pytest.fixture(scope="module")
def on_ranks():
    return on_two_ranks(half_on_each_rank)


@pytest.mark.parametrize("multi_positive", [False, True], ids=["default", "multi-positive"])
def test_the_mean_over_two_ranks_is_the_loss_and_the_gradients_of_one(on_ranks, multi_positive):
    losses, audio, text, scale = zip(*(results[multi_positive] for results in on_ranks), strict=True)
    expected = loss_and_gradients(multi_positive, 0, 8)
    assert torch.stack(losses).mean() == pytest.approx(expected[0].item(), abs=1e-6)
    assert torch.allclose(torch.cat(audio) / 2, expected[1], atol=1e-6)  # parameters get the mean over ranks
    assert torch.allclose(torch.cat(text) / 2, expected[2], atol=1e-6)
    assert torch.stack(scale).mean() == pytest.approx(expected[3].item(), abs=1e-6)
    assert expected[1].norm() > 0.1 and expected[3].abs() > 0.01


def test_the_default_loss_of_two_ranks_is_not_that_of_their_own_pairs_alone(on_ranks):
    for rank_, results in enumerate(on_ranks):
        alone = loss_and_gradients(False, 4 * rank_, 4 * rank_ + 4)
        assert abs(results[0][0] - alone[0]) > 0.1  # 4 negatives more
