"""Exported models: the same numbers as transformers' ClapModel, up to rounding."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from transformers import ClapModel, ClapProcessor, pipeline

from train.errors import BadInput
from train.export import export, to_transformers
from train.loop.checkpoint import Run
from train.recipe import TrainRecipe
from train.towers.features import clip_features
from train.towers.fusion import Attentional
from train.towers.htsat import Htsat
from train.towers.model import Clap, build_model
from train.towers.tokenizer import tokenize, train_tokenizer

TEXTS = ["a dog barks", "rain falls on the roof of a very old house", "wind"]
TOKENIZER = train_tokenizer(TEXTS, 300, 77)
SECONDS = (0.3, 9.0, 10.0, 10.02, 14.0, 40.0)
SHORT, LONG = [0, 1, 2], [3, 4, 5]


def make_model(**changes: object) -> Clap:
    """Make a model whose every weight and statistic is far from its initial value."""
    torch.manual_seed(0)
    model = build_model(replace(TrainRecipe(size="tiny"), **changes), TOKENIZER).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 3)
            module.running_var.uniform_(0.5, 300)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.02)
    return model


def features(fused: bool) -> tuple[torch.Tensor, torch.Tensor]:
    waves = [torch.from_numpy(np.random.default_rng(i).normal(0, 0.1, int(s * 48_000)).astype(np.float32)) for i, s in enumerate(SECONDS)]
    clips = [clip_features(w, fused) for w in waves]
    return torch.stack([f.mel for f in clips]), torch.tensor([f.longer for f in clips])


@pytest.fixture(scope="module")
def models():
    model = make_model()
    return model, to_transformers(model), *features(True)


@pytest.mark.parametrize("rows", [SHORT, LONG, [0, 5], [5], list(range(6))], ids=["short", "long", "one longer", "one alone", "mixed"])
@torch.inference_mode()
def test_audio_embeddings_equal_transformers(models, rows):
    ours, theirs, mel, longer = models
    difference = (
        ours.embed_audio(mel[rows], longer[rows]) - theirs.get_audio_features(mel[rows], is_longer=longer[rows, None]).pooler_output
    )
    assert difference.abs().max() <= 1e-5


def test_the_tower_that_is_compared_is_htsat_with_attentional_fusion(models):
    assert isinstance(models[0].audio_branch, Htsat)
    assert isinstance(models[0].audio_branch.patch_embed.fusion_model, Attentional)


@torch.inference_mode()
def test_text_embeddings_equal_transformers(models):
    ours, theirs = models[:2]
    ids, mask = tokenize(TOKENIZER, TEXTS, 77)
    assert (ours.embed_text(ids, mask) - theirs.get_text_features(ids, mask).pooler_output).abs().max() <= 1e-5


@torch.inference_mode()
def test_audio_embeddings_without_fusion_equal_transformers():
    ours = make_model(fusion="none")
    mel, longer = features(False)
    assert (ours.embed_audio(mel, longer) - to_transformers(ours).get_audio_features(mel).pooler_output).abs().max() <= 1e-5


def test_gradients_equal_transformers(models):
    ours, theirs, mel, longer = models
    ours.embed_audio(mel, longer)[:, 0].sum().backward()
    theirs.get_audio_features(mel, is_longer=longer[:, None]).pooler_output[:, 0].sum().backward()
    our_gradient = ours.audio_branch.patch_embed.mel_conv2d.weight.grad
    their_gradient = theirs.audio_model.audio_encoder.patch_embed.mel_conv2d.weight.grad
    assert (our_gradient - their_gradient).norm() <= 1e-4 * their_gradient.norm()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_folder_is_written_that_transformers_loads(models, tmp_path):
    ours, _, mel, longer = models
    export(Run(tmp_path, TrainRecipe(size="tiny"), ours, TOKENIZER, 0), tmp_path / "out")
    theirs, processor = ClapModel.from_pretrained(tmp_path / "out").eval(), ClapProcessor.from_pretrained(tmp_path / "out")
    assert (processor.feature_extractor.frequency_min, processor.feature_extractor.truncation) == (50, "fusion")
    inputs = processor(text=TEXTS, return_tensors="pt", padding=True)
    with torch.inference_mode():
        assert (theirs.get_text_features(**inputs).pooler_output - ours.embed_text(*tokenize(TOKENIZER, TEXTS, 77))).abs().max() <= 1e-5
        audio = theirs.get_audio_features(mel, is_longer=longer[:, None]).pooler_output
        assert (audio - ours.embed_audio(mel, longer)).abs().max() <= 1e-5
    assert theirs.logit_scale_a == theirs.logit_scale_t == ours.logit_scale_a
    classifier = pipeline("zero-shot-audio-classification", model=str(tmp_path / "out"))
    scores = classifier(np.zeros(48_000, np.float32) + 0.1, candidate_labels=["dog", "rain"])
    assert sum(s["score"] for s in scores) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("changes", [{"audio": "cnn14"}, {"text": "bert"}, {"fusion": "iaff"}])
def test_towers_that_transformers_does_not_have_are_refused(changes):
    with pytest.raises(BadInput, match="other towers"):
        to_transformers(make_model(**changes))
