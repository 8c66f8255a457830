"""Train CLAP on shards. Reads from top to bottom."""

import importlib.util
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from train.data.batch import Collate, samples_of_steps, train_loader
from train.data.samples import Clips, FixedClips
from train.data.shards import find_shards, fingerprint
from train.errors import BadInput, NotFinite, Stopped
from train.evaluate import score, score_table
from train.loop.checkpoint import delete_old, last_checkpoint, load_checkpoint, load_weights, read_run, save_checkpoint, start_run
from train.loop.finite import REMEDY, check_weights
from train.loop.log import RunLog
from train.loop.plots import learning_curve
from train.loop.ranks import all_reduce_mean, barrier, rank, world_size
from train.loop.step import enable_checkpointing, lock_towers, make_optimizer, set_training_mode, train_step
from train.recipe import TrainRecipe
from train.towers.model import Clap, build_model
from train.towers.pretrained import load_pretrained, read_weights
from train.towers.text import check_tokenizer, pretrained_config
from train.towers.tokenizer import count_truncated, load_tokenizer, train_tokenizer

BF16 = ("avx512_bf16", "amx_bf16", "arm_bf16")  # PyTorch's names of bf16 instructions
CAPTIONS_CHECKED = 1000  # captions compared with the context, when the tokenizer is a downloaded one
SAMPLES_BEFORE_STOP = 20  # the share of broken samples is not judged on fewer


@dataclass(frozen=True)
class RunEnvironment:
    """Folder of the run, cache of shards, device, and where lines of text are reported."""

    output: Path
    cache: Path
    device: torch.device
    report: Callable[[str], None]
    progress_bar: bool = False

    def report_once(self, text: str) -> None:
        """Report what is the same on all ranks, from rank 0 alone."""
        if rank() == 0:
            self.report(text)


@dataclass
class Progress:
    """State of a run besides weights and optimizer, as saved in checkpoints. best: the best mean mAP@10 on valid so far."""

    step: int = 0
    best: float = -1.0
    seen: int = 0
    broken: int = 0


@dataclass(frozen=True)
class Training:
    """Everything that the training loop needs."""

    clips: Clips
    valid: FixedClips
    recipe: TrainRecipe
    environment: RunEnvironment
    model: Clap
    tokenizer: PreTrainedTokenizerBase
    optimizer: torch.optim.Optimizer
    progress: Progress = field(default_factory=Progress)


def fit(shards: str, recipe: TrainRecipe, environment: RunEnvironment, resume: bool = False) -> None:
    """Train to the recipe's last step, or resume the run in environment.output. A finished run is left as it is.

    Raise BadInput, before a model is built, if machine, shards, recipe and output folder do not fit together. Raise Stopped if the
    run goes wrong.
    """
    check_machine(recipe, environment)
    clips, valid, recipe = check_data(shards, recipe, environment.cache)
    check_output(recipe, fingerprint(clips.shards), environment.output, resume)
    finished = last_checkpoint(environment.output)
    if finished and load_checkpoint(finished)["step"] >= recipe.steps:
        return environment.report_once(f"{environment.output} has all its {recipe.steps} steps: nothing to do")
    tokenizer = get_tokenizer(recipe, clips, environment, resume)

    pretrained = read_weights(Path(recipe.audio_weights)) if recipe.audio_weights else {}

    torch.manual_seed(recipe.seed)
    model = build_model(recipe, tokenizer)
    if pretrained:
        environment.report_once(load_pretrained(model, pretrained, recipe.audio_weights))
    model.to(environment.device)
    lock_towers(model, recipe.lock)
    if recipe.checkpointing:
        enable_checkpointing(model)
    if recipe.compile:
        model.audio_branch.compile()
        model.text_branch.compile()
    training = Training(clips, valid, recipe, environment, model, tokenizer, make_optimizer(model, recipe))
    if resume:
        restore(training)
    barrier()  # until every rank has checked that the output folder is free
    if not resume and rank() == 0:
        start_run(environment.output, recipe, model, tokenizer, fingerprint(clips.shards))
    size = f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters, on {environment.device}"
    environment.report_once(f"{len(clips)} clips, {recipe.steps} steps of {recipe.batch}, {size}")
    train(training)


def train(run: Training) -> None:
    """Take the remaining steps. Validate and save every valid_every steps and at the end."""
    recipe, environment, progress = run.recipe, run.environment, run.progress
    plan = samples_of_steps(len(run.clips), recipe.batch, recipe.seed, progress.step, recipe.steps, rank(), world_size())
    loader = train_loader(run.clips, plan, Collate(run.tokenizer, recipe.context), recipe.workers)
    log = None
    if rank() == 0:
        log = RunLog(environment.output, progress.step, recipe.steps, environment.report, environment.progress_bar, recipe.wandb)
    set_training_mode(run.model)
    started = time.monotonic()
    for batch in loader:
        loss = train_step(run.model, batch.to(environment.device), run.optimizer, recipe, progress.step)
        progress.step += 1
        count_broken(run, batch.broken, len(batch.mel))
        seconds, started = time.monotonic() - started, time.monotonic()
        if log:
            values = {"loss": loss, "lr": run.optimizer.param_groups[0]["lr"], "clips_per_second": recipe.batch / seconds}
            log.step(progress.step, values, shown=progress.step % recipe.log_every == 0)
        if progress.step % recipe.valid_every == 0 or progress.step == recipe.steps:
            all_reduce_mean([b for b in run.model.buffers() if b.is_floating_point()])  # statistics of batch normalisation
            if log:
                validate(run, log)
            barrier()
            started = time.monotonic()
    if log:
        log.close()
        learning_curve(environment.output)


def validate(run: Training, log: RunLog) -> None:
    """Score the valid split and save a checkpoint, also as the best one if its mean mAP@10 is the highest so far.

    Raise Stopped, before anything is saved, if weights or scores are not finite.
    """
    progress, output = run.progress, run.environment.output
    check_weights(progress.step, run.model)
    try:
        scores = score(run.model, run.tokenizer, run.valid, run.recipe.context, run.recipe.workers)
    except NotFinite as error:
        raise Stopped(f"valid after step {progress.step}: {error}; {REMEDY}") from error
    log.record(progress.step, {"valid": scores})
    log.print_line(f"valid at step {progress.step}\n{score_table(scores)}")
    mean_map = (scores["t2a"]["mAP@10"] + scores["a2t"]["mAP@10"]) / 2
    better, progress.best = mean_map > progress.best, max(mean_map, progress.best)
    state = {"model": run.model.state_dict(), **asdict(progress), "scores": scores}
    if better:
        save_checkpoint(output / "best.pt", state)
    save_checkpoint(output / f"step-{progress.step:07}.pt", {**state, "optimizer": run.optimizer.state_dict()})
    delete_old(output, run.recipe.keep)


def restore(run: Training) -> None:
    """Load model, optimizer and progress from the last checkpoint. Batches and randomness follow from the step."""
    path = last_checkpoint(run.environment.output)
    if path:
        saved = load_checkpoint(path)
        load_weights(run.model, saved["model"], str(path))
        run.optimizer.load_state_dict(saved["optimizer"])
        vars(run.progress).update({name: saved[name] for name in vars(run.progress)})


def count_broken(run: Training, broken: tuple[str, ...], n_samples: int) -> None:
    """Report broken samples. Raise Stopped if they are more than broken_share of the samples seen."""
    progress, share = run.progress, run.recipe.broken_share
    progress.seen += n_samples
    progress.broken += len(broken)
    for message in broken:
        run.environment.report(f"broken sample left out: {message}")
    if progress.seen >= SAMPLES_BEFORE_STOP and progress.broken > share * progress.seen:
        counts = f"{progress.broken} of {progress.seen} samples are broken"
        raise Stopped(f"step {progress.step}: {counts}; more than broken_share = {share}")


def check_machine(recipe: TrainRecipe, environment: RunEnvironment) -> None:
    """Check that this machine has a compiler and wandb if the recipe needs them. Report bf16 that would be imitated."""
    if recipe.compile:
        from torch._inductor import config

        if not any(shutil.which(name) for name in config.cpp.cxx if name):
            raise BadInput(f"compile needs a C++ compiler, and there is no {config.cpp.cxx[-1]}: install it, set CXX, or leave compile out")
    if recipe.wandb and not importlib.util.find_spec("wandb"):
        raise BadInput(f"wandb = {recipe.wandb!r}, but wandb is not installed; install it or leave the key out")
    able = torch.cpu.get_capabilities()
    if recipe.precision == "bf16" and environment.device.type == "cpu" and not any(able.get(kind) for kind in BF16):
        environment.report_once("this processor imitates bf16, which takes many times as long as fp32; --set precision=fp32 avoids that")


def check_data(shards: str, recipe: TrainRecipe, cache: Path) -> tuple[Clips, FixedClips, TrainRecipe]:
    """Open the train and valid splits. Return them with the recipe, its steps and valid_every filled in."""
    fused = recipe.fusion != "none"
    valid = FixedClips(find_shards(shards, "valid"), fused, cache)
    clips = Clips(find_shards(shards, "train"), fused, cache, recipe.texts, recipe.seed)
    if len(clips) < recipe.batch:
        raise BadInput(
            f"{shards} has {len(clips)} training samples, fewer than a batch of {recipe.batch}; --set batch=... makes it smaller"
        )
    if recipe.batch % (world_size() * recipe.chunks):
        raise BadInput(f"batch = {recipe.batch} does not divide into {world_size()} ranks of {recipe.chunks} chunks")
    per_epoch = len(clips) // recipe.batch
    steps, valid_every = recipe.steps or recipe.epochs * per_epoch, recipe.valid_every or per_epoch
    return clips, valid, replace(recipe, steps=steps, valid_every=valid_every)


def check_output(recipe: TrainRecipe, data: str, output: Path, resume: bool) -> None:
    """Check that the output folder has no run, or the run that is to be resumed: same recipe but for steps, same shards."""
    if not (output / "run.json").exists():
        if resume:
            raise BadInput(f"{output} holds no run to resume")
        return
    saved, saved_data = read_run(output)
    last = last_checkpoint(output)
    same = saved_data == data and replace(saved, steps=recipe.steps) == recipe
    if not (same and (resume or (last and load_checkpoint(last)["step"] >= recipe.steps))):
        reason = "another recipe or other shards" if resume else "a run already"
        raise BadInput(f"{output} holds {reason}; --resume with the same recipe and shards continues it, or give another --output")


def get_tokenizer(recipe: TrainRecipe, clips: Clips, environment: RunEnvironment, resume: bool) -> PreTrainedTokenizerBase:
    """Load the text tower's tokenizer, or train one on the captions. Report how many captions the context cuts."""
    if resume:
        return load_tokenizer(str(environment.output / "tokenizer"))
    if recipe.text_weights:
        tokenizer = load_tokenizer(recipe.text_weights)
        check_tokenizer(pretrained_config(recipe.text, recipe.text_weights), tokenizer, recipe.context)
        captions = list(islice(clips.all_captions(), CAPTIONS_CHECKED))
    else:
        captions = sorted(set(clips.all_captions()))
        tokenizer = train_tokenizer(captions, recipe.vocabulary, recipe.context)
    n_cut = count_truncated(tokenizer, captions, recipe.context)
    if n_cut:
        environment.report_once(f"{n_cut} of {len(captions)} captions are longer than the context of {recipe.context} tokens and are cut")
    return tokenizer
