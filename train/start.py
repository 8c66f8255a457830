"""Check machine, shards, recipe and output folder before a model is built, and decide where a run begins."""

import importlib.util
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from train.data.order import dataset_portions, portions, steps_per_epoch
from train.data.ranges import MOST_BYTES
from train.data.samples import BrokenSample, Clips, FixedClips, spread
from train.data.shards import find_shards
from train.errors import BadInput
from train.loop.checkpoint import newest_readable, read_run
from train.loop.log import validations
from train.loop.ranks import rank, world_size
from train.recipe import TrainRecipe

INSTRUCTIONS = {"bf16": ("avx512_bf16", "amx_bf16", "arm_bf16"), "fp16": ("avx512_fp16", "amx_fp16", "arm_fp16")}  # PyTorch's names
MOST_TRIED, ENOUGH_GOOD = 20, 2  # samples of each dataset that are tried before a model is built, and that have to be good

Resume = Literal["no", "yes", "auto"]
"""Begin a run; continue one; or do what the output folder asks for, with an older checkpoint where the newest cannot be read."""


@dataclass(frozen=True)
class RunEnvironment:
    """Folder of the run, cache of shards, device, and where lines of text are reported."""

    output: Path
    cache: Path
    device: torch.device
    report: Callable[[str], None]
    progress_bar: bool = False
    most_bytes: int = MOST_BYTES  # of remote samples that are kept in the cache

    def report_once(self, text: str) -> None:
        """Report what is the same on all ranks, from rank 0 alone."""
        if rank() == 0:
            self.report(text)


@dataclass(frozen=True)
class Start:
    """Where a run begins. checkpoint: the content of `path`, empty for a new run. faults: messages about newer ones that cannot be read."""

    checkpoint: dict = field(default_factory=dict)
    path: Path | None = None
    faults: tuple[str, ...] = ()
    is_resumed: bool = False
    is_finished: bool = False


def check_machine(recipe: TrainRecipe, environment: RunEnvironment) -> None:
    """Check that this machine has a compiler and wandb if the recipe needs them. Report a precision that would be imitated."""
    if recipe.compile and recipe.parallel == "fsdp" and world_size() > 1:
        raise BadInput("compile with parallel = 'fsdp' is not supported on several ranks; leave compile out, or --set parallel=ddp")
    if recipe.compile:
        from torch._inductor import config

        if not any(shutil.which(name) for name in config.cpp.cxx if name):
            raise BadInput(f"compile needs a C++ compiler, and there is no {config.cpp.cxx[-1]}: install it, set CXX, or leave compile out")
    if recipe.wandb and not importlib.util.find_spec("wandb"):
        raise BadInput(f"wandb = {recipe.wandb!r}, but wandb is not installed; install it or leave the key out")
    able, needed = torch.cpu.get_capabilities(), INSTRUCTIONS.get(recipe.precision)
    if needed and environment.device.type == "cpu" and not any(able.get(kind) for kind in needed):
        slow = f"this processor imitates {recipe.precision}, which takes many times as long as fp32"
        environment.report_once(f"{slow}; --set precision=fp32 avoids that")


def check_data(shards: str, recipe: TrainRecipe, cache: Path, most_bytes: int = MOST_BYTES) -> tuple[Clips, FixedClips, TrainRecipe]:
    """Open the train and valid splits, and try some samples. Return them with the recipe, its steps and valid_every filled in.

    most_bytes: of remote samples that are kept in `cache`.
    """
    fused = recipe.fusion != "none"
    valid = FixedClips(find_shards(shards, "valid"), fused, cache, most_bytes=most_bytes)
    training_shards = find_shards(shards, "train")
    clips = Clips(training_shards, fused, cache, recipe.texts, recipe.seed, dict(recipe.caption_weights.items()), most_bytes)
    parts = portions(clips.shards, recipe.dataset_weights)
    per_epoch = steps_per_epoch(parts, recipe.batch)
    if not per_epoch:
        n_samples = sum(part.n_read for part in parts)
        raise BadInput(f"{shards} has {n_samples} training samples, fewer than a batch of {recipe.batch}; --set batch=... makes it smaller")
    if recipe.batch % (world_size() * recipe.accumulate):
        raise BadInput(f"batch = {recipe.batch} does not divide into {world_size()} ranks of {recipe.accumulate} parts (accumulate)")
    try_samples("valid", valid)
    try_samples("train", clips, {name for name, weight in recipe.dataset_weights.items() if not weight})
    steps, valid_every = recipe.steps or recipe.epochs * per_epoch, recipe.valid_every or per_epoch
    return clips, valid, replace(recipe, steps=steps, valid_every=valid_every)


def try_samples(split: str, clips: Clips, unread: Collection[str] = ()) -> None:
    """Read some samples of each dataset of a split, evenly spread, until a few can be used. Raise BadInput if none can.

    unread: datasets that the run does not read.
    """
    for part, dataset in zip(*dataset_portions(clips.shards), strict=True):
        if dataset in unread:
            continue
        faults: list[str] = []
        for tried, index in enumerate(spread(part.n_samples, MOST_TRIED), 1):
            try:
                clips.example(-1, part.start + index)
            except BrokenSample as error:
                faults.append(str(error))
            if tried - len(faults) == ENOUGH_GOOD:
                break
        if len(faults) == tried:
            counts = f"{part.n_samples} samples" if tried == part.n_samples else f"{tried} samples tried, of {part.n_samples},"
            raise BadInput(f"none of the {counts} of {dataset}, split {split!r}, can be used, the first: {faults[0]}")


def check_output(recipe: TrainRecipe, data: str, output: Path, resume: Resume) -> Start:
    """Return where the run begins. Raise BadInput unless the output folder has no run, or the run that is to be resumed.

    That is one with the same shards and the same recipe but for steps and parallel. A run that has all its steps is left as it is.
    """
    if output.exists() and not output.is_dir():
        raise BadInput(f"--output {output} is a file; give a folder")
    if not (output / "run.json").exists():
        if resume == "yes":
            raise BadInput(f"{output} holds no run to resume")
        return Start()
    saved, saved_data = read_run(output)
    path, checkpoint, faults = newest_readable(output)
    if faults and resume != "auto":
        remedy = f"{path} is the newest that can be read, and --resume auto continues from it" if path else "no other can be read"
        raise BadInput(f"{faults[0]}; {remedy}")
    step = checkpoint.get("step", 0)
    finished = step >= recipe.steps and step in validations(output, step)
    same = saved_data == data and replace(saved, steps=recipe.steps, parallel=recipe.parallel) == recipe
    if not (same and (resume != "no" or finished)):
        reason = "a run already" if resume == "no" else "another recipe or other shards"
        raise BadInput(f"{output} holds {reason}; --resume with the same recipe and shards continues it, or give another --output")
    return Start(checkpoint, path, tuple(faults), is_resumed=True, is_finished=finished)
