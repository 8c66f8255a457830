"""transformers' ClapModel of the same weights: the same numbers, up to rounding."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, XLMRobertaConfig

from tests.exported import TEXTS, TOKENIZER, make_model
from train.errors import BadInput
from train.towers.clap_model import to_transformers, why_not_exported
from train.towers.features import clip_features
from train.towers.fusion import Attentional
from train.towers.htsat import Htsat
from train.towers.model import SCALE_MAX
from train.towers.tokenizer import tokenize

SECONDS = (0.3, 9.0, 10.0, 10.02, 14.0, 40.0)
KEYS = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings")
KEYS = (*KEYS, "pad_token_id", "bos_token_id", "eos_token_id", "type_vocab_size", "layer_norm_eps")
SHORT, LONG = [0, 1, 2], [3, 4, 5]


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


@pytest.mark.parametrize("log_scale", [-1.0, 3.0, 9.0])
def test_the_temperature_is_written_within_the_limits_of_training(log_scale):
    ours = make_model()
    ours.logit_scale_a.data.fill_(log_scale)
    theirs = to_transformers(ours)
    assert theirs.logit_scale_a == theirs.logit_scale_t == ours.log_scale == min(max(log_scale, 0), SCALE_MAX)


@pytest.mark.parametrize("changes", [{"audio": "cnn14"}, {"text": "bert"}, {"fusion": "iaff"}])
def test_towers_that_transformers_does_not_have_are_refused(changes):
    with pytest.raises(BadInput, match="other towers"):
        to_transformers(make_model(**changes))
    assert "other towers" in why_not_exported(make_model(**changes))


@torch.inference_mode()
def test_the_roberta_of_other_languages_is_exported_too():
    ours = make_model()
    config = XLMRobertaConfig(**{key: getattr(ours.text_branch.config, key) for key in KEYS})
    ours.text_branch = AutoModel.from_config(config).eval()
    ids, mask = tokenize(TOKENIZER, TEXTS, 77)
    assert (ours.embed_text(ids, mask) - to_transformers(ours).get_text_features(ids, mask).pooler_output).abs().max() <= 1e-5


def test_the_bias_of_the_sigmoid_loss_is_left_out():
    ours = make_model()
    ours.logit_bias = torch.nn.Parameter(torch.tensor(-10.0))
    assert not any("bias" in name and "logit" in name for name in to_transformers(ours).state_dict())


@pytest.mark.parametrize("changes", [{}, {"fusion": "none"}])
def test_towers_that_transformers_has_are_not_reported(changes):
    assert why_not_exported(make_model(**changes)) == ""
