"""Models with random weights, exported once for all tests of a process, and their embeddings by the trainer's own evaluation."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import nn
from transformers import dynamic_module_utils

from train.data.folder import FolderClips
from train.evaluate import embed_clips
from train.export import export
from train.hub.model_card import CardFacts
from train.loop.checkpoint import Run
from train.recipe import TrainRecipe
from train.towers.model import Clap, build_model
from train.towers.tokenizer import train_tokenizer

torch.set_num_threads(1)  # tests share their cores with others; waiting threads use CPU time
TEXTS = ["a dog barks", "rain falls on the roof of a very old house", "wind"]
TOKENIZER = train_tokenizer(TEXTS, 300, 77)
RATE = 48_000
FRAMES = (960, 480_001, 480_479, 480_480, 1_440_000)  # 0.02 s to 30 s; a clip of 480,480 frames is the first that is fused
SHORT, LONG, MIXED = [0, 1, 2], [3, 4], [0, 1, 2, 3, 4]


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


@cache
def run_of(fusion: str) -> Run:
    """Return a run with random weights. fusion: "aff" or "none"."""
    return Run(own_folder(), TrainRecipe(size="tiny", fusion=fusion), make_model(fusion=fusion), TOKENIZER, 0)


@cache
def exported(fusion: str) -> Path:
    """Return the folder of the exported run."""
    folder = own_folder() / f"clap-{fusion}"
    export(run_of(fusion), folder, CardFacts())
    return folder


@cache
def waveforms() -> list[np.ndarray]:
    """Return noise of each of FRAMES, float32."""
    return [np.random.default_rng(i).normal(0, 0.1, n).astype(np.float32) for i, n in enumerate(FRAMES)]


@cache
def own_embeddings(fusion: str) -> np.ndarray:
    """Return the embeddings of the waveforms by the trainer's own evaluation, which reads them as files."""
    folder = own_folder() / "sounds"
    folder.mkdir(exist_ok=True)
    for i, waveform in enumerate(waveforms()):
        soundfile.write(folder / f"{i}.wav", waveform, RATE, subtype="FLOAT")
    run = run_of(fusion)
    return embed_clips(run.model, FolderClips(folder, run.model.fused)).audio


@cache
def own_folder() -> Path:
    """Return a folder of this process. Code that transformers copies out of exported folders goes there too."""
    folder = Path(tempfile.mkdtemp(prefix="exported-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    dynamic_module_utils.HF_MODULES_CACHE = str(folder / "modules")
    return folder
