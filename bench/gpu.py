"""`python -m bench.gpu [--tiny]`: measure training steps on one card, ours against transformers' ClapModel: clips a second, MFU, memory.

A batch of 256 clips of 10 s, half of them longer, captions padded to 24 tokens; HTSAT-tiny and RoBERTa-base with fusion, bf16. It takes
less than 10 minutes. Without a card, `--tiny` runs the same code on a CPU with a small model, whose figures say nothing of a card.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import ClapConfig, ClapModel, RobertaConfig, RobertaModel

from train.loop.learner import make_learner
from train.loop.modes import set_training_mode
from train.loop.speed import count_work, peak_memory, peak_of
from train.loop.step import train_step
from train.recipe import TrainRecipe
from train.towers.model import Batch, Clap, build_audio

TOKENS = 24  # of each caption
LONGEST = 120.0  # seconds for a way to train; compiling comes on top
TEXT = {"vocab_size": 50_265, "max_position_embeddings": 514, "type_vocab_size": 1}
SMALL_TEXT = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 128}


@dataclass(frozen=True)
class Case:
    """What is measured: sizes and number of steps. warm_up: steps before them, which are not measured."""

    device: torch.device
    batch: int = 256
    steps: int = 20
    warm_up: int = 2
    is_tiny: bool = False

    @property
    def recipe(self) -> TrainRecipe:
        """The settings of our side, without torch.compile, which is called here."""
        size = "tiny" if self.is_tiny else "published"
        return TrainRecipe(size=size, batch=self.batch, steps=1000, warmup=1, precision="fp32" if self.is_tiny else "bf16")

    @property
    def text(self) -> RobertaConfig:
        """The text tower of both sides."""
        return RobertaConfig(**TEXT, **(SMALL_TEXT if self.is_tiny else {}))


@dataclass(frozen=True)
class Figures:
    """What a way to train reached. mfu: of the operations that the model needs, in the same way for all; see `train/loop/speed.py`."""

    name: str
    clips_per_second: float
    mfu: float
    memory_gb: float
    first_seconds: float  # of the first step, in which a model is compiled


def main(arguments: list[str]) -> int:
    """Measure all ways, print a table and JSON. Exit code 2 without a card, unless --tiny is given."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a small model and 4 clips, on a CPU")
    parser.add_argument("--batch", type=int, default=256, help="clips a step; default 256")
    options = parser.parse_args(arguments)
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if not (accelerator or options.tiny):
        print("python -m bench.gpu: there is no card; --tiny runs on a CPU, to see that it works", file=sys.stderr)
        return 2
    device = torch.device("cpu") if options.tiny else accelerator
    case = Case(device, batch=4, steps=1, warm_up=1, is_tiny=True) if options.tiny else Case(device, batch=options.batch)
    figures = measure_all(case)
    print(table(figures, case))
    print(json.dumps([vars(each) for each in figures]))
    return 0


def measure_all(case: Case) -> list[Figures]:
    """Measure every way to train, one after the other. A way that needs more memory than there is is left out, and named."""
    ways: dict[str, Callable[[Case], Callable[[], object]]] = {"transformers": transformers_step, "ours": our_step}
    if not case.is_tiny:
        ways["ours, compiled"] = our_compiled_step
    model = make_model(case)
    operations = count_work(model).of_step(make_batch(case), model)
    peak = peak_of(case.device, case.recipe.precision)
    del model
    figures = []
    for name, prepare in ways.items():
        try:
            figures.append(measure(name, prepare(case), case, operations / peak))
        except torch.OutOfMemoryError as error:
            print(f"{name} is left out: {str(error).splitlines()[0]}; --batch makes the batch smaller", file=sys.stderr)
        torch.compiler.reset()
        gc.collect()
        if case.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
    return figures


def measure(name: str, step: Callable[[], object], case: Case, ideal: float) -> Figures:
    """Time steps. ideal: seconds of a step at the peak of the device."""
    first, *_ = [seconds_of(step, case) for _ in range(case.warm_up)]
    began, n_steps = time.perf_counter(), 0
    while n_steps < case.steps and time.perf_counter() - began < LONGEST:
        seconds_of(step, case)
        n_steps += 1
    seconds = (time.perf_counter() - began) / n_steps
    return Figures(name, case.batch / seconds, ideal / seconds, peak_memory(case.device), first)


def seconds_of(step: Callable[[], object], case: Case) -> float:
    """Take a step, wait for the device, and return the seconds."""
    began = time.perf_counter()
    step()
    if case.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter() - began


def make_model(case: Case) -> Clap:
    """Return our model with random weights, in training mode."""
    torch.manual_seed(0)
    model = Clap(build_audio(case.recipe), RobertaModel(case.text)).to(case.device)
    set_training_mode(model)
    return model


def make_batch(case: Case) -> Batch:
    """Return random features and tokens on the device: every second clip is longer than 10 s."""
    generator, n = torch.Generator().manual_seed(1), case.batch
    ids = torch.randint(5, 50_000, (n, TOKENS), generator=generator)
    mel = torch.randn(n, 4, 1001, 64, generator=generator) * 10 - 40
    return Batch(mel, torch.arange(n) % 2 == 1, ids, torch.ones_like(ids), torch.arange(n)).to(case.device)


def our_step(case: Case) -> Callable[[], object]:
    """Return a step of this trainer."""
    learner, batch = make_learner(make_model(case), case.recipe), make_batch(case)
    return lambda: train_step(learner, batch, 1)


def our_compiled_step(case: Case) -> Callable[[], object]:
    """Return a step of this trainer with compiled towers."""
    model, batch = make_model(case), make_batch(case)
    learner = make_learner(model, case.recipe)
    model.audio_branch.compile()
    model.text_branch.compile()
    return lambda: train_step(learner, batch, 1)


def transformers_step(case: Case) -> Callable[[], object]:
    """Return a step of transformers' ClapModel with the same towers, its own loss, and the same optimizer."""
    audio = {"enable_fusion": True, "fusion_type": "aff_2d", "drop_path_rate": 0.1}
    if case.is_tiny:
        audio |= {"patch_embeds_hidden_size": 24, "depths": [2, 2, 2, 2], "num_attention_heads": [2, 4, 8, 16], "hidden_size": 192}
    config = ClapConfig(text_config=case.text.to_dict() | {"model_type": "clap_text_model"}, audio_config=audio)
    model, batch = ClapModel(config).to(case.device).train(), make_batch(case)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    inputs = {"input_ids": batch.ids, "attention_mask": batch.mask, "input_features": batch.mel, "is_longer": batch.longer[:, None]}

    def one_step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(case.device.type, torch.bfloat16, enabled=case.recipe.precision == "bf16"):
            loss = model(**inputs, return_loss=True).loss
        loss.backward()
        optimizer.step()

    return one_step


def table(figures: list[Figures], case: Case) -> str:
    """Return the figures as a table for a terminal, with the ratio to the first way."""
    name = torch.cuda.get_device_name(case.device) if case.device.type == "cuda" else case.device.type
    lines = [f"{name}, batch of {case.batch}, {case.recipe.precision}, torch {torch.__version__}"]
    lines.append(f"{'':18}{'clips/s':>10}{'ratio':>8}{'MFU':>8}{'GB':>8}{'first step':>12}")
    for each in figures:
        ratio = each.clips_per_second / figures[0].clips_per_second
        speed = f"{each.clips_per_second:10.1f}{ratio:8.2f}{each.mfu:8.3f}"
        lines.append(f"{each.name:18}{speed}{each.memory_gb:8.1f}{each.first_seconds:10.1f} s")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
