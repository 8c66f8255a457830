"""The model: towers of a recipe, unit vectors, temperature."""

import math

import pytest
import torch

from train.recipe import TrainRecipe
from train.towers.cnn14 import Cnn14
from train.towers.htsat import SIZES, Htsat
from train.towers.model import Batch, build_audio, build_model
from train.towers.text import text_config
from train.towers.tokenizer import tokenize, train_tokenizer

TEXTS = ["a dog barks", "rain"]
TOKENIZER = train_tokenizer(TEXTS, 300, 77)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_model(TrainRecipe(size="tiny"), TOKENIZER).eval()


@torch.inference_mode()
def test_clips_and_captions_become_unit_vectors_of_512(model):
    audio = model.embed_audio(torch.randn(2, 4, 1001, 64), torch.tensor([True, False]))
    text = model.embed_text(*tokenize(TOKENIZER, TEXTS, 77))
    for vectors in (audio, text):
        assert vectors.shape == (2, 512) and vectors.dtype == torch.float32
        assert torch.allclose(vectors.norm(dim=1), torch.ones(2), atol=1e-5)
        assert (vectors[0] - vectors[1]).abs().max() > 1e-4


def test_the_temperature_starts_at_the_published_value_and_is_limited(model):
    assert model.log_scale.exp().item() == pytest.approx(1 / 0.07)
    for value, limited in ((10.0, math.log(100)), (-1.0, 0.0), (2.0, 2.0)):
        with torch.no_grad():
            before = model.logit_scale_a.item()
            model.logit_scale_a.fill_(value)
            assert model.log_scale.item() == pytest.approx(limited)
            model.logit_scale_a.fill_(before)


@pytest.mark.parametrize("name", ["htsat-tiny", "htsat-base"])
def test_a_published_audio_tower_has_its_published_sizes(name):
    tower = build_audio(TrainRecipe(audio=name))
    assert isinstance(tower, Htsat) and tower.config == SIZES[name]


@pytest.mark.parametrize(("audio", "kind", "width"), [("htsat-tiny", Htsat, 24), ("cnn14", Cnn14, 8)])
def test_a_tiny_audio_tower_is_narrow(audio, kind, width):
    tower = build_audio(TrainRecipe(audio=audio, size="tiny", fusion="daf"))
    assert isinstance(tower, kind) and (tower.config.width, tower.config.fusion) == (width, "daf")


@pytest.mark.parametrize("audio", ["htsat-tiny", "cnn14"])
def test_a_recipe_without_fusion_has_a_tower_without_fusion(audio):
    model = build_model(TrainRecipe(audio=audio, size="tiny", fusion="none"), TOKENIZER)
    assert not model.fused and not [name for name in model.state_dict() if "fusion" in name or "mel_conv2d" in name]


def test_a_given_text_configuration_is_used_and_its_weights_are_not_loaded():
    config = text_config("roberta", "tiny", 30, TOKENIZER)
    model = build_model(TrainRecipe(size="tiny", text_weights="no-such-folder"), TOKENIZER, config)
    assert model.text_branch.config.max_position_embeddings == 32


def test_a_batch_moves_all_its_tensors():
    batch = Batch(*(torch.zeros(2) for _ in range(5)), broken=("x",)).to(torch.device("meta"))
    assert {x.device.type for x in vars(batch).values() if isinstance(x, torch.Tensor)} == {"meta"} and batch.broken == ("x",)
