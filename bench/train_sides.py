"""Measure one part for `bench/train.py`, with the python of the bench's environment; print the result as JSON on the last line."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
import transformers
from torch.nn import functional as F
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaConfig, RobertaModel

from train.data.samples import Clips
from train.data.shards import find_shards
from train.loop.learner import make_learner
from train.loop.step import train_step
from train.recipe import TrainRecipe
from train.towers.features import clip_features
from train.towers.model import Batch, Clap, build_audio

AUDIO_CONFIG = {"sample_rate": 48_000, "window_size": 1024, "hop_size": 480, "mel_bins": 64, "fmin": 50, "fmax": 14_000}
ROBERTA = RobertaConfig(vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1)
RECIPE = TrainRecipe(steps=100, warmup=1)
BATCH = 8


def seconds(actions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each action; they take turns, after one round that does not count."""
    spent: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(rounds + 1):
        for name, action in actions.items():
            began = time.process_time()
            action()
            if turn:
                spent[name].append(time.process_time() - began)
    return {name: statistics.median(times) for name, times in spent.items()}


def front_end(quick: bool) -> dict[str, float]:
    """Measure waveform -> features: our trainer, laion-clap's data code, transformers' extractor."""
    get_audio_features = laion()["training.data"].get_audio_features
    extractor = ClapFeatureExtractor(frequency_min=50, frequency_max=14_000)
    clip, long = torch.randn(480_000) * 0.1, torch.randn(300 * 48_000) * 0.1
    array = clip.numpy()
    return seconds(
        {
            "front_ours": lambda: clip_features(clip, True),
            "front_laion": lambda: get_audio_features({}, clip, 480_000, "fusion", "repeatpad", AUDIO_CONFIG),
            "front_transformers": lambda: extractor(array, sampling_rate=48_000, return_tensors="pt"),
            "front_ours_4": lambda: clip_features(clip[:192_000], True),
            "front_ours_padded": lambda: clip_features(clip[:192_001], True),
            "front_ours_300": lambda: clip_features(long, True),
        },
        5 if quick else 30,
    )


def step(quick: bool) -> dict[str, float]:
    """Measure forward, backward and update of a batch of 8, half of it longer than 10 s, captions of 8 to 21 tokens.

    In bf16 only where the processor has instructions for it: without them a step takes ten times as long, and the figure means nothing.
    """
    batch = make_batch(BATCH)
    ours = make_learner(make_ours(), RECIPE)
    actions: dict[str, Callable[[], object]] = {
        "step_laion": laion_step(batch),
        "step_ours": lambda: train_step(ours, batch, 1),
        "step_transformers": transformers_step(batch),
    }
    if has_bf16():
        in_bf16 = make_learner(ours.model, replace(RECIPE, precision="bf16"))
        actions["step_ours_bf16"] = lambda: train_step(in_bf16, batch, 1)
    return seconds(actions, 1 if quick else 3)


def has_bf16() -> bool:
    """Return whether this processor has instructions for bf16 (Linux)."""
    return bool(re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", Path("/proc/cpuinfo").read_text()))


def memory(quick: bool) -> dict[str, float]:
    """Measure the peak memory of a step of 32 (16 if quick) over that of the model, at once and in 8 parts; each in a fresh process.

    The allocator's threshold is fixed: by default glibc raises it, keeps freed blocks, and the peak with chunks is doubled.
    """
    megabytes, allocator = {}, os.environ | {"MALLOC_MMAP_THRESHOLD_": str(1 << 18)}
    for name, chunks in (("memory_plain", 1), ("memory_chunked", 8)):
        code = f"from bench.train_sides import peak; peak({16 if quick else 32}, {chunks})"
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, stdout=subprocess.PIPE, text=True, env=allocator)
        megabytes[name] = float(done.stdout.splitlines()[-1])
    return megabytes


def peak(n: int, chunks: int) -> None:
    """Print by how many MB a step raises the peak memory of this process, once the optimiser has its state."""
    torch.set_num_threads(1)
    learner = make_learner(make_ours(), replace(RECIPE, accumulate=chunks))
    for parameter in learner.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    learner.optimizer.step()
    learner.optimizer.zero_grad()
    batch = make_batch(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    train_step(learner, batch, 1)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def loader(quick: bool) -> dict[str, float]:
    """Measure how many clips of 10 s, and of 5 s, are read, decoded and made into features in a CPU second."""
    n = 16 if quick else 64
    with tempfile.TemporaryDirectory() as folder:
        sets = {"loader": write_clips(Path(folder) / "10", n, 480_000), "loader_5": write_clips(Path(folder) / "5", n, 240_000)}
        clips = {name: Clips(find_shards(str(root), "train"), True, Path(folder)) for name, root in sets.items()}
        spent = seconds({name: lambda some=some: [some[0, i] for i in range(n)] for name, some in clips.items()}, 3)
    return {name: n / each for name, each in spent.items()}


def write_clips(root: Path, n: int, n_frames: int) -> Path:
    """Write a shard of n clips of brown noise, which FLAC compresses about as well as recordings."""
    rng = np.random.default_rng(0)
    split = root / "A" / "train"
    split.mkdir(parents=True)
    with tarfile.open(split / "0.tar", "w") as tar:
        for i in range(n):
            file = io.BytesIO()
            wave = np.sin(np.cumsum(rng.normal(0, 0.01, n_frames))) * 0.5
            soundfile.write(file, wave, 48_000, format="FLAC", subtype="PCM_16")
            for name, data in ((f"{i}.flac", file.getvalue()), (f"{i}.json", b'{"text": ["a"], "tag": []}')):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    (split / "sizes.json").write_text(json.dumps({"0.tar": n}))
    return root


@torch.inference_mode()
def embed(quick: bool) -> dict[str, float]:
    """Measure how many clips and texts a model of the published sizes embeds in a CPU second."""
    model, batch = make_ours().eval(), make_batch(BATCH)
    actions = {
        "embed_audio": lambda: model.embed_audio(batch.mel, batch.longer),
        "embed_text": lambda: model.embed_text(batch.ids, batch.mask),
    }
    return {name: BATCH / spent for name, spent in seconds(actions, 2 if quick else 5).items()}


def make_ours() -> Clap:
    torch.manual_seed(0)
    return Clap(build_audio(RECIPE), RobertaModel(ROBERTA)).train()


def make_batch(n: int) -> Batch:
    """Return random features and tokens: half of the clips longer, 8 to 21 tokens a caption, padded to the longest."""
    rng = np.random.default_rng(1)
    lengths = torch.from_numpy(rng.integers(8, 22, n))
    mask = (torch.arange(int(lengths.max())) < lengths[:, None]).long()
    ids = torch.from_numpy(rng.integers(5, 50_000, mask.shape)) * mask + (1 - mask)
    return Batch(torch.randn(n, 4, 1001, 64) * 10 - 40, torch.arange(n) % 2 == 1, ids, mask, torch.arange(n))


def laion() -> dict[str, Any]:
    """Import laion-clap's model and data code without the downloads that importing the package starts."""
    spec = importlib.util.find_spec("laion_clap")
    assert spec and spec.submodule_search_locations
    sys.path.append(spec.submodule_search_locations[0])
    for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):
        getattr(transformers, name).from_pretrained = classmethod(lambda cls, *a, **k: None)
    return {name: importlib.import_module(name) for name in ("clap_module.model", "clap_module.loss", "training.data")}


def laion_step(batch: Batch) -> Callable[[], object]:
    """Return a step of laion-clap: its model, its loss, text padded to 77 tokens as its data code does."""
    modules = laion()
    code = modules["clap_module.model"]
    code.RobertaModel.from_pretrained = classmethod(lambda cls, name: RobertaModel(ROBERTA))
    audio = {"audio_length": 1024, "clip_samples": 480_000, "class_num": 527, "model_type": "HTSAT", "model_name": "tiny", **AUDIO_CONFIG}
    text = {"context_length": 77, "vocab_size": 49_408, "width": 512, "heads": 8, "layers": 12, "model_type": "roberta"}
    model = code.CLAP(768, audio, text, enable_fusion=True, fusion_type="aff_2d").train()
    loss_of = modules["clap_module.loss"].ClipLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    pad = 77 - batch.ids.shape[1]
    texts = {"input_ids": F.pad(batch.ids, (0, pad), value=1), "attention_mask": F.pad(batch.mask, (0, pad))}

    def one_step() -> None:
        optimizer.zero_grad()
        sounds = {"mel_fusion": batch.mel, "longer": batch.longer[:, None]}
        a, t, _, _, scale_a, _ = model(sounds, texts, "cpu")
        loss_of(audio_features=a, text_features=t, logit_scale_a=scale_a).backward()
        optimizer.step()

    return one_step


def transformers_step(batch: Batch) -> Callable[[], object]:
    """Return a step of transformers' ClapModel, text padded to the longest."""
    audio = {"enable_fusion": True, "fusion_type": "aff_2d", "drop_path_rate": 0.1}
    model = ClapModel(ClapConfig(text_config={}, audio_config=audio)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def one_step() -> None:
        optimizer.zero_grad()
        inputs = {"input_ids": batch.ids, "attention_mask": batch.mask, "input_features": batch.mel, "is_longer": batch.longer[:, None]}
        model(**inputs, return_loss=True).loss.backward()
        optimizer.step()

    return one_step


if __name__ == "__main__":
    torch.set_num_threads(1)
    measured = {f.__name__: f for f in (front_end, step, memory, loader, embed)}[sys.argv[1]](sys.argv[2:] == ["quick"])
    print(json.dumps(measured))
