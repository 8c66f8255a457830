"""The model that a run begins with: random, of another run, of transformers' ClapModel, of any text encoder."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

from tests.train_runs import CPU, TINY, environment, losses, trained
from train.begin import load_trained, read_trained
from train.data.samples import Clips
from train.data.shards import find_shards
from train.errors import BadInput
from train.evaluate import embed_texts
from train.fit import fit
from train.loop.checkpoint import load_run
from train.recipe import TrainRecipe
from train.towers.clap_model import to_transformers
from train.towers.model import Clap, build_model
from train.towers.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer

TOKENIZER = train_tokenizer(["a dog barks"], 300, 77)
STEP = replace(TINY, steps=1, valid_every=1, lr=0.0)


def begin(recipe: TrainRecipe) -> Clap:
    """Return a model with the weights that a recipe names."""
    model, given = build_model(recipe, TOKENIZER, read_trained(recipe).text), read_trained(recipe)
    load_trained(model, given, recipe.weights)
    return model


def equal(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(x, second[name]) for name, x in first.items())


@pytest.fixture(scope="module", params=["aff", "none"])
def clap_folder(request, tmp_path_factory) -> tuple[Clap, Path, str]:
    """Write a model of ours as the ClapModel folder that transformers writes. Return both, and the fusion."""
    torch.manual_seed(1)
    model, folder = build_model(TrainRecipe(size="tiny", fusion=request.param), TOKENIZER), tmp_path_factory.mktemp("clap")
    model.audio_branch.bn0.running_mean += 3
    to_transformers(model).save_pretrained(folder)
    save_tokenizer(TOKENIZER, folder)
    return model, folder, request.param


def test_a_clapmodel_folder_gives_every_weight_to_the_bit(clap_folder):
    model, folder, fusion = clap_folder
    recipe = TrainRecipe(size="tiny", fusion=fusion, weights=str(folder))
    assert equal(dict(begin(recipe).state_dict()), dict(model.state_dict()))
    assert load_tokenizer(str(folder))(["a dog"])["input_ids"] == read_trained(recipe).tokenizer(["a dog"])["input_ids"]


def test_a_clapmodel_saved_in_bf16_is_trained_in_float32(clap_folder, tmp_path):
    model, _, fusion = clap_folder
    to_transformers(model).to(torch.bfloat16).save_pretrained(tmp_path)
    save_tokenizer(TOKENIZER, tmp_path)
    assert {p.dtype for p in begin(TrainRecipe(size="tiny", fusion=fusion, weights=str(tmp_path))).parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "published"}, "the model has size = 'tiny', the recipe 'published'; --set size=tiny"),
        ({"text": "bert"}, "the model has text = 'roberta', the recipe 'bert'; --set text=roberta"),
        (
            {"audio": "cnn14", "fusion": "daf"},
            r"audio = 'htsat-tiny', the recipe 'cnn14' and fusion = 'aff', .*; --set audio=",
        ),
    ],
)
@pytest.mark.parametrize("clap_folder", ["aff"], indirect=True)
def test_a_recipe_of_other_towers_is_bad_input_that_says_what_to_set(clap_folder, changes, message):
    recipe = TrainRecipe(**{"size": "tiny", "weights": str(clap_folder[1]), **changes})
    with pytest.raises(BadInput, match=message):
        read_trained(recipe)
    with pytest.raises(BadInput, match=message):
        read_trained(replace(recipe, weights=str(trained()[0])))


def test_folders_without_a_model_are_bad_input(tmp_path):
    AutoConfig.for_model("bert").save_pretrained(tmp_path / "bert")
    with pytest.raises(BadInput, match="holds a model of type 'bert'; give a run, or a ClapModel"):
        read_trained(TrainRecipe(weights=str(tmp_path / "bert")))
    with pytest.raises(BadInput, match="is no run, and no ClapModel could be loaded from it"):
        read_trained(TrainRecipe(weights=str(tmp_path / "nothing")))


@pytest.mark.parametrize("clap_folder", ["aff"], indirect=True)
def test_a_clapmodel_that_lacks_weights_is_bad_input(clap_folder, tmp_path):
    theirs = to_transformers(clap_folder[0])
    theirs.save_pretrained(tmp_path, state_dict={k: x for k, x in theirs.state_dict().items() if not k.startswith("text_model.pooler")})
    with pytest.raises(BadInput, match=r"lacks 2 weights of its model, the first is text_model\.pooler"):
        read_trained(TrainRecipe(size="tiny", weights=str(tmp_path)))


def test_another_loss_keeps_its_own_temperature_and_bias():
    run = trained()[0]
    recipe = replace(TINY, weights=str(run), loss="sigmoid")
    model, theirs = begin(recipe), load_run(run, CPU).model.state_dict()
    assert model.log_scale.exp().item() == pytest.approx(10) and model.logit_bias.item() == -10
    assert torch.equal(model.state_dict()["text_projection.0.weight"], theirs["text_projection.0.weight"])
    assert torch.equal(begin(replace(recipe, loss="softmax")).logit_scale_a, theirs["logit_scale_a"])


def test_a_run_begins_with_the_weights_and_the_tokenizer_of_another_and_resumes_without_them(tmp_path):
    run, shards = trained()
    shutil.copytree(run, tmp_path / "first")
    recipe = replace(STEP, weights=str(tmp_path / "first"), seed=7)
    fit(str(shards), recipe, environment(tmp_path))
    first, second = load_run(run, CPU), load_run(tmp_path / "run", CPU)
    assert all(torch.equal(p, second.model.get_parameter(name)) for name, p in first.model.named_parameters())  # lr = 0
    assert second.tokenizer.get_vocab() == first.tokenizer.get_vocab()
    shutil.rmtree(tmp_path / "first")
    fit(str(shards), replace(recipe, steps=2), environment(tmp_path), resume="yes")
    assert len(losses(tmp_path / "run")) == 2


@pytest.mark.parametrize("kind", ["distilbert", "t5"])
def test_a_run_with_another_text_encoder_trains_resumes_and_is_loaded(kind, tmp_path):
    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    shards = str(trained()[1])
    captions = Clips(find_shards(shards, "train"), True, tmp_path / "cache").all_captions()
    tokenizer = train_tokenizer(captions, 400, 77)
    tower = AutoModel.from_config(AutoConfig.for_model(kind, **sizes, vocab_size=len(tokenizer), pad_token_id=1, dropout=0.0))
    tower.save_pretrained(tmp_path / "hub")
    save_tokenizer(tokenizer, tmp_path / "hub")
    recipe = replace(STEP, text=kind, text_weights=str(tmp_path / "hub"))
    fit(shards, recipe, environment(tmp_path))
    shutil.rmtree(tmp_path / "hub")
    fit(shards, replace(recipe, steps=2), environment(tmp_path), resume="yes")
    run = load_run(tmp_path / "run", CPU)
    own = tower.state_dict()
    assert all(torch.equal(x, own[name]) for name, x in run.model.text_branch.state_dict().items())
    vectors = embed_texts(run.model, run.tokenizer, ["a hum", "a hiss"], 77)
    assert abs(vectors[0] - vectors[1]).max() > 1e-3
