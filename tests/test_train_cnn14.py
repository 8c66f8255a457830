"""The audio tower CNN14."""

import pytest
import torch
from torch.nn import functional as F

from train.recipe import TrainRecipe
from train.towers.cnn14 import Cnn14, Cnn14Config
from train.towers.fusion import FUSIONS
from train.towers.model import build_audio


@pytest.fixture(scope="module")
def tower():
    torch.manual_seed(0)
    return Cnn14(Cnn14Config(width=8))


def test_the_published_size_and_names():
    tower = Cnn14(Cnn14Config(fusion=""))
    assert tower.config.out_width == 2048
    n_parameters = sum(p.numel() for p in tower.parameters())
    assert n_parameters + 2048 * 527 + 527 == pytest.approx(79.7e6, rel=0.02)  # with AudioSet's head, 80.8 M with its front-end
    assert {"bn0.weight", "conv_block1.conv1.weight", "conv_block6.bn2.running_var", "fc1.bias"} <= set(tower.state_dict())


@pytest.mark.parametrize("fusion", [*FUSIONS, ""])
def test_every_fusion_trains(fusion):
    tower = Cnn14(Cnn14Config(width=8, fusion=fusion)).train()
    tower(torch.randn(2, 4 if fusion else 1, 1001, 64), torch.tensor([True, False])).sum().backward()
    assert all(p.grad is not None for p in tower.parameters())


def test_fusion_touches_only_the_longer_clips(tower):
    tower.eval()
    mel = torch.randn(2, 4, 1001, 64)
    with torch.inference_mode():
        without, with_long = tower(mel, torch.tensor([False, False])), tower(mel, torch.tensor([False, True]))
    assert torch.allclose(without[0], with_long[0], atol=1e-5)
    assert not torch.allclose(without[1], with_long[1], atol=1e-4)


def reference(weights: dict[str, torch.Tensor], mel: torch.Tensor) -> torch.Tensor:
    """Return what PANNs' CNN14 computes in evaluation, without fusion, from its published parameters."""

    def normalised(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance, scale, bias = (weights[f"{name}.{of}"] for of in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, variance, scale, bias)

    x = normalised(mel[:, :1].transpose(1, 3), "bn0").transpose(1, 3)
    for n in range(1, 7):
        for half in (1, 2):
            x = normalised(F.conv2d(x, weights[f"conv_block{n}.conv{half}.weight"], padding=1), f"conv_block{n}.bn{half}").clamp(min=0)
        x = F.avg_pool2d(x, 2) if n < 6 else x
    over_time = x.mean(3)
    return F.linear(over_time.max(2).values + over_time.mean(2), weights["fc1.weight"], weights["fc1.bias"]).clamp(min=0)


def test_the_vector_of_a_short_clip_is_that_of_cnn14_without_fusion(tower):
    mel = torch.randn(2, 4, 96, 64)
    with torch.inference_mode():
        ours = tower.eval()(mel, torch.tensor([False, False]))
        assert torch.allclose(ours, reference(tower.state_dict(), mel), atol=1e-5) and ours.any()


def test_dropout_is_applied_between_blocks_and_around_the_last_layer(tower, monkeypatch):
    rates = []
    monkeypatch.setattr(tower, "dropout", lambda x, published: rates.append(published) or x)
    with torch.inference_mode():
        tower.eval()(torch.randn(1, 4, 96, 64), torch.tensor([False]))
    assert rates == [0.2] * 6 + [0.5] * 2


def test_checkpointing_changes_no_gradient():
    gradients = []
    for again in (False, True):
        torch.manual_seed(3)
        narrow = Cnn14(Cnn14Config(width=2, fusion="")).train()
        assert not narrow.checkpointing
        narrow.checkpointing = again
        torch.manual_seed(3)
        narrow(torch.ones(2, 1, 96, 64).cumsum(2), torch.tensor([False, False])).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in narrow.parameters()]))
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_dropout_and_spec_augment_are_for_training_only(tower):
    mel, short = torch.randn(2, 4, 1001, 64), torch.tensor([False, False])
    with torch.inference_mode():
        assert torch.equal(tower.eval()(mel, short), tower(mel, short))
        assert not torch.equal(tower.train()(mel, short), tower(mel, short))


def test_the_published_tower_drops_as_published_and_the_narrow_one_nothing():
    x = torch.ones(20_000)
    published, narrow = build_audio(TrainRecipe(audio="cnn14")).train(), build_audio(TrainRecipe(audio="cnn14", size="tiny")).train()
    assert (published.dropout(x, 0.5) == 0).float().mean() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(narrow.dropout(x, 0.5), x)
