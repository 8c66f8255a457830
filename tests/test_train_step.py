"""One training step: gradients in chunks and in bf16; overflows in fp16; locked towers; learning rate."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.train_steps import RECIPE, make_batch, make_model, step, take_step
from train.errors import Stopped
from train.loop.finite import check_gradients, gradient_norm
from train.loop.learner import Learner, make_learner
from train.loop.modes import enable_checkpointing, lock_towers, set_training_mode
from train.loop.objective import embed_batch, frozen_statistics
from train.loop.optimizer import lr_factor, make_optimizer
from train.loop.step import StepResult, step_seed, train_step


def test_chunks_give_the_gradients_of_the_complete_batch():
    complete, chunked = (step(make_model().eval(), replace(RECIPE, accumulate=chunks), make_batch(8)) for chunks in (1, 4))
    assert complete[0] == pytest.approx(chunked[0], abs=1e-6)
    assert (complete[1] - chunked[1]).abs().max() < 1e-5
    assert (complete[1] - chunked[1]).norm() < 1e-4 * complete[1].norm()


def test_chunks_draw_the_same_dropout_again_and_count_statistics_once():
    model = make_model()
    set_training_mode(model)
    audio, _ = embed_batch(model, make_batch(), make_batch().longer, replace(RECIPE, accumulate=2))
    before = {k: v.clone() for k, v in model.state_dict().items() if "running" in k or "tracked" in k}
    audio.square().sum().backward()
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())
    assert model.audio_branch.bn0.num_batches_tracked == 2


def test_frozen_statistics_normalise_by_the_batch_and_change_nothing():
    norm = nn.Sequential(nn.BatchNorm2d(2)).train()
    x = torch.randn(4, 2, 3, 3) + 5
    with frozen_statistics(norm):
        inside = norm(x)
    assert not norm[0].running_mean.any()
    assert torch.equal(inside, norm(x))
    assert norm[0].running_mean.any()


def test_a_batch_without_longer_clips_trains_the_fusion():
    model = make_model()
    set_training_mode(model)
    take_step(model, replace(make_batch(), longer=torch.zeros(4, dtype=torch.bool)), at=0)
    assert all(p.grad is not None for p in model.audio_branch.parameters())


def test_a_tower_in_evaluation_mode_fuses_no_clip_that_is_not_longer():
    model = make_model().eval()
    step(model, RECIPE, replace(make_batch(), longer=torch.zeros(4, dtype=torch.bool)))
    assert all(p.grad is None for p in model.audio_branch.patch_embed.fusion_model.parameters())


def test_the_same_step_twice_is_the_same_and_the_next_is_not():
    def loss(at: int) -> float:
        model = make_model()
        set_training_mode(model)
        return take_step(model, make_batch(), at=at)

    assert loss(4) == loss(4) != loss(5)


def test_there_is_one_temperature_and_it_is_trained():
    model = make_model()
    take_step(model.eval(), make_batch())
    assert model.logit_scale_a.grad is not None and model.logit_scale_a.grad != 0
    assert [name for name, _ in model.named_parameters() if "logit" in name] == ["logit_scale_a"]


def test_the_sigmoid_loss_trains_a_bias_besides_the_temperature():
    recipe = replace(RECIPE, loss="sigmoid")
    learner = make_learner(make_model(recipe).eval(), recipe)
    assert (learner.model.logit_bias.item(), learner.model.log_scale.exp().item()) == (-10, pytest.approx(10))
    losses = [train_step(learner, make_batch(), 3).loss for _ in range(3)]
    assert losses[0] > losses[-1] and learner.model.logit_bias.grad.abs() > 1e-3 and learner.model.logit_bias.item() > -10


@torch.inference_mode()
def test_bf16_is_near_fp32_and_embeddings_are_float32():
    model, batch = make_model().eval(), make_batch()
    exact, rough = (embed_batch(model, batch, batch.longer, replace(RECIPE, precision=p)) for p in ("fp32", "bf16"))
    assert torch.equal(exact[0], model.embed_audio(batch.mel, batch.longer)) and torch.equal(
        exact[1], model.embed_text(batch.ids, batch.mask)
    )
    assert rough[0].dtype == rough[1].dtype == torch.float32
    assert all((a * b).sum(1).min() > 0.99 and not torch.equal(a, b) for a, b in zip(exact, rough, strict=True))


@pytest.mark.parametrize("tower", ["audio", "text"])
def test_a_locked_tower_does_not_change_and_the_other_is_trained(tower):
    model = make_model()
    lock_towers(model, tower)
    set_training_mode(model)
    branch = model.get_submodule(f"{tower}_branch")
    before = {k: v.clone() for k, v in branch.state_dict().items()}
    take_step(model, make_batch(), at=2)
    assert all(torch.equal(v, branch.state_dict()[k]) for k, v in before.items())
    other = model.get_submodule(f"{'text' if tower == 'audio' else 'audio'}_branch")
    assert all(p.grad is not None for p in other.parameters())


def test_with_both_towers_locked_only_projections_and_temperature_are_optimised():
    model = make_model()
    lock_towers(model, "both")
    n_optimised = sum(len(group["params"]) for group in make_optimizer(model, RECIPE).param_groups)
    assert n_optimised == len([name for name, _ in model.named_parameters() if "projection" in name or "logit" in name]) == 9


def test_steps_change_every_parameter_and_lower_the_loss():
    model = make_model().eval()
    before = {k: v.clone() for k, v in model.named_parameters()}
    learner = make_learner(model, replace(RECIPE, multi_positive=True))
    losses = [train_step(learner, make_batch(), 2).loss for _ in range(4)]
    assert losses[-1] < losses[0]
    used = {k for k, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert len(used) > 0.9 * len(before) and not [k for k in used if torch.equal(before[k], model.get_parameter(k))]
    assert [group["lr"] for group in learner.optimizer.param_groups] == [RECIPE.lr * lr_factor(2, RECIPE.warmup, RECIPE.steps)]


def test_embeddings_that_are_not_finite_change_nothing_and_their_samples_are_named():
    model = make_model().eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    batch = replace(make_batch(), keys=("a", "b", "c", "d"))
    batch.mel[2] = torch.nan
    with pytest.raises(Stopped, match="step 3: the audio embeddings of 'c' are not finite, 1 of 4; the batch is a, b, c, d"):
        take_step(model, batch, at=2)
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())
    assert all(p.grad is None for p in model.parameters())


def test_a_temperature_that_is_not_finite_stops_the_step():
    model = make_model().eval()
    model.logit_scale_a.data.fill_(torch.nan)
    with pytest.raises(Stopped, match="step 3: the loss is nan, because of the temperature"):
        take_step(model, make_batch(), at=2)


def test_gradients_that_are_not_finite_change_no_weight_and_are_named():
    model = make_model().eval()
    before = {k: v.clone() for k, v in model.named_parameters()}
    model.audio_projection[0].bias.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(Stopped, match=r"step 3: the gradients of audio_projection\S+ are not finite"):
        take_step(model, make_batch(), at=2)
    assert all(torch.equal(v, model.get_parameter(k)) for k, v in before.items())


def test_weights_that_are_not_finite_after_an_update_stop_the_step_and_are_named():
    model, recipe = make_model().eval(), replace(RECIPE, lr=1e39)
    with pytest.raises(Stopped, match=r"step 3: the weights \S+, .* and \d+ others are not finite"):
        take_step(model, make_batch(), recipe, at=2)


def test_gradients_too_large_to_be_squared_are_finite():
    model = nn.Linear(2, 1)
    model(torch.full((1, 2), 1e30)).sum().backward()
    assert torch.isinf(gradient_norm(model))
    check_gradients(1, model, (), gradient_norm(model))


def test_gradients_are_clipped():
    _, free = step(make_model().eval(), RECIPE, make_batch())
    _, clipped = step(make_model().eval(), replace(RECIPE, clip_norm=0.01), make_batch())
    assert free.norm() > 0.1 and clipped.norm() == pytest.approx(0.01, rel=1e-3)


def test_checkpointing_changes_no_loss():
    losses = []
    for wanted in (False, True):
        model = make_model()
        if wanted:
            enable_checkpointing(model)
        assert model.audio_branch.checkpointing == model.text_branch.is_activation_checkpointing == wanted
        set_training_mode(model)
        losses.append(take_step(model, make_batch(), at=3))
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_seeds_differ_by_step_and_seed():
    assert len({step_seed(seed, at) + more for seed in (0, 1, 3407) for at in range(50) for more in (0, 1)}) == 300


def scaled_learner(scale: float) -> Learner:
    """Return a learner whose loss is scaled as with fp16, but computed in fp32, which is fast on every CPU."""
    learner = make_learner(make_model().eval(), RECIPE)
    learner.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return learner


def test_a_scaled_loss_updates_as_one_that_is_not_scaled():
    learner = scaled_learner(2.0**16)
    plain, gradients = step(make_model().eval(), RECIPE, make_batch())
    assert train_step(learner, make_batch(), 3) == StepResult(plain, is_skipped=False)
    assert torch.allclose(torch.cat([p.grad.flatten() for p in learner.model.parameters()]), gradients, atol=1e-8)


def test_an_overflow_in_fp16_skips_the_update_and_halves_the_scale_until_it_is_one():
    learner = scaled_learner(2.0)
    hook = learner.model.audio_projection[0].bias.register_hook(lambda gradient: gradient * torch.inf)
    before = {k: v.clone() for k, v in learner.model.named_parameters()}
    assert train_step(learner, make_batch(), 2).is_skipped and learner.scaler.get_scale() == 1
    with pytest.raises(Stopped, match=r"step 4: the gradients of audio_projection.0.bias are not finite"):
        train_step(learner, make_batch(), 3)
    assert all(torch.equal(v, learner.model.get_parameter(k)) for k, v in before.items())
    hook.remove()
    learner = scaled_learner(2.0)
    assert not train_step(learner, make_batch(), 3).is_skipped
    assert not torch.equal(before["logit_scale_a"], learner.model.logit_scale_a)


@pytest.mark.slow
def test_fp16_is_near_fp32():
    exact, rough = (take_step(make_model().eval(), make_batch(2), replace(RECIPE, precision=p)) for p in ("fp32", "fp16"))
    assert rough == pytest.approx(exact, rel=1e-2) and rough != exact
