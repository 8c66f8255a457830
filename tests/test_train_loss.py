"""The contrastive loss, alone and over ranks."""

import math

import pytest
import torch
import torch.multiprocessing as mp
from torch.nn import functional as F

from train.loop.loss import contrastive_loss
from train.towers.model import SCALE_END, SCALE_START


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


def test_equal_captions_are_positives_of_each_other_if_wanted():
    audio, text = pairs(4)
    scale, caption = torch.tensor(1.0), torch.tensor([7, 8, 9, 7])
    logits = scale.exp() * audio @ text.T
    share = torch.tensor([[0.5, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0.5, 0, 0, 0.5]])
    expected = (F.cross_entropy(logits, share) + F.cross_entropy(logits.T, share)) / 2
    assert contrastive_loss(audio, text, scale, caption).item() == pytest.approx(expected.item(), rel=1e-6)
    assert contrastive_loss(audio, text, scale).item() != pytest.approx(expected.item(), rel=1e-2)


def test_with_different_captions_both_forms_agree():
    audio, text = pairs(5)
    assert torch.allclose(
        contrastive_loss(audio, text, torch.tensor(2.0)), contrastive_loss(audio, text, torch.tensor(2.0), torch.arange(5))
    )


def test_the_temperature_starts_at_the_published_value_and_is_clamped():
    assert pytest.approx(1 / 0.07) == math.exp(SCALE_START)
    assert pytest.approx(100) == math.exp(SCALE_END)


def on_rank(rank: int, port: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    audio, text = (x.detach().chunk(2)[rank].clone().requires_grad_() for x in pairs(8))
    scale = torch.tensor(2.0, requires_grad=True)
    caption = torch.tensor([0, 1, 2, 3, 0, 1, 4, 5]).chunk(2)[rank]
    loss = contrastive_loss(audio, text, scale, caption)
    loss.backward()
    torch.save([x.detach() for x in (loss, audio.grad, text.grad, scale.grad)], f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_ranks_give_the_loss_and_gradients_of_one(tmp_path, free_port):
    mp.spawn(on_rank, (free_port, str(tmp_path)), nprocs=2)
    audio, text = pairs(8)
    scale = torch.tensor(2.0, requires_grad=True)
    loss = contrastive_loss(audio, text, scale, torch.tensor([0, 1, 2, 3, 0, 1, 4, 5]))
    loss.backward()
    parts = list(zip(*(torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)), strict=True))
    assert torch.stack(parts[0]).mean() == pytest.approx(loss.item(), abs=1e-6)
    assert torch.allclose(torch.cat(parts[1]) / 2, audio.grad, atol=1e-6)  # the mean over ranks, as parameters get it
    assert torch.allclose(torch.cat(parts[2]) / 2, text.grad, atol=1e-6)
    assert torch.stack(parts[3]).mean() == pytest.approx(scale.grad.item(), abs=1e-6)


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
