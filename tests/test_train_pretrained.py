"""Pretrained checkpoints, as files of the published layouts with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from train.errors import BadInput
from train.recipe import TrainRecipe
from train.towers.model import Clap, build_model
from train.towers.pretrained import load_pretrained, read_weights
from train.towers.tokenizer import train_tokenizer

TOKENIZER = train_tokenizer(["a dog barks"], 300, 77)


def make(seed: int, **changes: object) -> Clap:
    torch.manual_seed(seed)
    return build_model(TrainRecipe(size="tiny", **changes), TOKENIZER)


def load(model: Clap, path: Path) -> str:
    return load_pretrained(model, read_weights(path), str(path))


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(torch.equal(a, b) for (_, a), (_, b) in zip(first.named_parameters(), second.named_parameters(), strict=True))


def laion(model: Clap) -> dict:
    """Lay weights out as LAION's training script saves them, with weights that are not used."""
    weights = {f"module.{k}": v for k, v in model.state_dict().items()}
    extra = {
        "logit_scale_t": torch.tensor(2.0),
        "audio_transform.sequential.0.weight": torch.zeros(512, 512),
        "text_transform.sequential.3.bias": torch.zeros(512),
        "audio_branch.spectrogram_extractor.stft.conv_real.weight": torch.zeros(2),
        "audio_branch.logmel_extractor.melW": torch.zeros(2),
        "audio_branch.tscam_conv.weight": torch.zeros(2),
        "audio_branch.head.weight": torch.zeros(2),
        "audio_branch.layers.0.blocks.1.attn_mask": torch.zeros(2),
        "audio_branch.layers.0.blocks.0.attn.relative_position_index": torch.zeros(2),
        "text_branch.embeddings.position_ids": torch.zeros(2),
    }
    return {"epoch": 45, "name": "x", "best": np.float64(0.5), "state_dict": weights | {f"module.{k}": v for k, v in extra.items()}}


@pytest.mark.parametrize("changes", [{}, {"fusion": "none"}, {"audio": "cnn14"}, {"text": "bert"}], ids=str)
def test_a_clap_checkpoint_of_laion_fills_both_towers(tmp_path, changes):
    torch.save(laion(make(1, **changes)), tmp_path / "clap.pt")
    model = make(2, **changes)
    assert "both towers" in load(model, tmp_path / "clap.pt")
    assert same(model, make(1, **changes))


def test_the_clip_text_tower_of_laion_is_renamed(tmp_path):
    source = make(1, text="clip")
    saved = laion(source)
    weights = {k: v for k, v in saved["state_dict"].items() if not k.startswith("module.text_branch")}
    text = {k.removeprefix("text_branch."): v for k, v in source.state_dict().items() if k.startswith("text_branch.")}
    weights["module.token_embedding.weight"] = text["embeddings.token_embedding.weight"]
    weights["module.positional_embedding"] = text["embeddings.position_embedding.weight"]
    weights |= {f"module.ln_final.{k}": text[f"final_layer_norm.{k}"] for k in ("weight", "bias")}
    for i in range(2):
        there, here = f"module.text_branch.resblocks.{i}", f"encoder.layers.{i}"
        for kind in ("weight", "bias"):
            weights[f"{there}.attn.in_proj_{kind}"] = torch.cat([text[f"{here}.self_attn.{p}_proj.{kind}"] for p in "qkv"])
            weights[f"{there}.attn.out_proj.{kind}"] = text[f"{here}.self_attn.out_proj.{kind}"]
            for theirs, ours in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")):
                weights[f"{there}.{theirs}.{kind}"] = text[f"{here}.{ours}.{kind}"]
    torch.save({"state_dict": weights}, tmp_path / "clap.pt")
    model = make(2, text="clip")
    load(model, tmp_path / "clap.pt")
    assert same(model, source)


def test_htsat_of_audioset_fills_the_audio_tower_and_leaves_fusion_new(tmp_path):
    source = make(1, fusion="none").audio_branch.state_dict()
    saved = {f"sed_model.{k}": v for k, v in source.items()} | {"sed_model.tscam_conv.weight": torch.zeros(2)}
    torch.save({"state_dict": saved}, tmp_path / "htsat.ckpt")
    model = make(2)
    assert "the audio tower" in load(model, tmp_path / "htsat.ckpt")
    assert same(model.audio_branch.layers, make(1, fusion="none").audio_branch.layers)
    assert same(model.text_branch, make(2).text_branch)
    assert same(model.audio_branch.patch_embed.fusion_model, make(2).audio_branch.patch_embed.fusion_model)


def test_cnn14_of_pann_fills_the_audio_tower(tmp_path):
    source = make(1, audio="cnn14", fusion="none").audio_branch.state_dict()
    torch.save({"model": {**source, "fc_audioset.weight": torch.zeros(2)}}, tmp_path / "pann.pth")
    model = make(2, audio="cnn14", fusion="none")
    load(model, tmp_path / "pann.pth")
    assert same(model.audio_branch, make(1, audio="cnn14", fusion="none").audio_branch)


def test_a_checkpoint_of_another_size_or_kind_is_bad_input_and_nothing_is_loaded(tmp_path):
    torch.save(laion(make(1, audio="cnn14")), tmp_path / "x.pt")
    model = make(2)
    with pytest.raises(BadInput, match="another model than the recipe's"):
        load(model, tmp_path / "x.pt")
    assert same(model, make(2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {"a": torch.zeros(1)}}, "none of the known layouts"),
        ({"model": torch.zeros(2)}, "none of the known layouts"),
        ({"state_dict": {0: torch.zeros(2)}}, "none of the known layouts"),
        (print, "no readable checkpoint"),
    ],
)
def test_unknown_files_are_bad_input(tmp_path, content, message):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(BadInput, match=message):
        load(make(0), tmp_path / "x.pt")
