"""The optimizer: groups, learning rates of towers and layers, parameters that are locked for some steps."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModel

from train.loop.modes import lock_towers
from train.loop.optimizer import layer_numbers, learning_rate, lr_factor, make_optimizer, rate_factors, set_rates
from train.recipe import TrainRecipe
from train.towers.model import Clap, build_audio, build_model
from train.towers.tokenizer import train_tokenizer

RECIPE = TrainRecipe(size="tiny", lr=1e-3, warmup=2, steps=10)
TOKENIZER = train_tokenizer(["a dog barks"], 300, 20)


def make_model(recipe: TrainRecipe = RECIPE) -> Clap:
    return build_model(recipe, TOKENIZER)


def rates(model: Clap, recipe: TrainRecipe, step: int = 2) -> dict[str, float]:
    """Return the learning rate of each parameter that the optimizer has, in a step."""
    optimizer = make_optimizer(model, recipe)
    set_rates(optimizer, recipe, step)
    rate_of = {p: group["lr"] for group in optimizer.param_groups for p in group["params"]}
    return {name: rate_of[p] for name, p in model.named_parameters() if p in rate_of}


def test_without_factors_all_parameters_learn_at_one_rate_in_one_group():
    assert set(rates(make_model(), RECIPE).values()) == {1e-3}
    assert len(make_optimizer(make_model(), RECIPE).param_groups) == 1


def test_each_tower_learns_at_its_own_rate_and_projections_at_that_of_the_recipe():
    by_name = rates(make_model(), replace(RECIPE, audio_lr_factor=0.5, text_lr_factor=0.1))
    expected = {"audio_branch": 5e-4, "text_branch": 1e-4, "audio_projection": 1e-3, "text_projection": 1e-3, "logit_scale_a": 1e-3}
    for name, rate in by_name.items():
        assert rate == pytest.approx(expected[name.split(".")[0]])


@pytest.mark.parametrize("step", [0, 1, 5])
def test_the_rates_of_towers_warm_up_and_fall_with_that_of_the_recipe(step):
    recipe = replace(RECIPE, text_lr_factor=0.1)
    by_name = rates(make_model(), recipe, step)
    assert by_name["logit_scale_a"] == learning_rate(recipe, step) == pytest.approx(10 * by_name["text_branch.pooler.dense.bias"])


def test_a_tower_whose_factor_is_0_does_not_change():
    model = make_model()
    recipe = replace(RECIPE, text_lr_factor=0.0)
    optimizer = make_optimizer(model, recipe)
    before = {name: p.clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    set_rates(optimizer, recipe, 2)
    optimizer.step()
    changed = {name.split(".")[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"audio_branch", "audio_projection", "text_projection", "logit_scale_a"}


def test_a_layer_learns_at_the_rate_of_the_next_times_layer_decay():
    factors = rate_factors(make_model(), replace(RECIPE, layer_decay=0.5, text_lr_factor=3.0))
    text = "text_branch.encoder.layer"
    assert [factors[f"{text}.{i}.output.dense.weight"] for i in (0, 1)] == [0.75, 1.5]
    assert factors["text_branch.embeddings.word_embeddings.weight"] == 0.375 and factors["text_branch.pooler.dense.weight"] == 1.5
    blocks = [factors[f"audio_branch.layers.{i}.blocks.{j}.mlp.fc1.weight"] for i in range(4) for j in range(2)]
    assert blocks == [0.5**n for n in range(8, 0, -1)]
    assert factors["audio_branch.patch_embed.proj.weight"] == factors["audio_branch.bn0.weight"] == 0.5**9
    assert factors["audio_branch.layers.0.downsample.reduction.weight"] == 0.5**7 and factors["audio_branch.norm.bias"] == 0.5
    assert {factors[name] for name in factors if "projection" in name or "logit" in name} == {1.0}


def test_the_fusion_of_cnn14_counts_to_its_input():
    numbers = layer_numbers(build_audio(replace(RECIPE, audio="cnn14")))
    assert [numbers[f"conv_block{i}.conv1.weight"] for i in range(1, 7)] == [1, 2, 3, 4, 5, 6]
    assert numbers["mel_conv2d.0.weight"] == numbers["bn0.weight"] == 0 and numbers["fc1.bias"] == 6
    assert {number for name, number in numbers.items() if name.startswith("fusion_model.")} == {0}


@pytest.mark.parametrize(("kind", "n"), [("distilbert", 6), ("gpt2", 12), ("modernbert", 22), ("clip_text_model", 12), ("t5", 6)])
def test_layers_of_other_text_towers_are_numbered(kind, n):
    with torch.device("meta"):
        numbers = layer_numbers(AutoModel.from_config(AutoConfig.for_model(kind)))
    assert set(numbers.values()) == set(range(n + 1)) and next(iter(numbers.values())) == 0


def test_towers_that_are_unlocked_later_are_in_the_optimizer_from_the_start():
    model = make_model()
    lock_towers(model, "text")
    never, later = (len(rates(model, replace(RECIPE, lock="text", unlock_after=after))) for after in (0, 4))
    assert later == len(list(model.parameters())) > never


def test_weights_decay_but_biases_and_norms_do_not():
    groups = make_optimizer(make_model(), replace(RECIPE, weight_decay=0.1)).param_groups
    assert sorted((g["weight_decay"], {p.ndim >= 2 for p in g["params"]}) for g in groups) == [(0.0, {False}), (0.1, {True})]


def test_weight_decay_and_factor_make_a_group():
    groups = make_optimizer(make_model(), replace(RECIPE, weight_decay=0.1, text_lr_factor=0.5)).param_groups
    assert sorted((g["factor"], g["weight_decay"]) for g in groups) == [(0.5, 0.0), (0.5, 0.1), (1.0, 0.0), (1.0, 0.1)]


def test_the_rate_warms_up_and_falls_to_zero():
    shares = [lr_factor(s, 10, 100) for s in range(100)]
    assert shares[0] == 0.1 and max(shares) == shares[9] == 1
    assert shares[-1] < 1e-3 and sorted(shares[10:], reverse=True) == shares[10:]


def test_a_warm_up_of_all_steps_ends_at_the_full_rate():
    assert lr_factor(4, 5, 5) == lr_factor(5, 5, 5) == 1
