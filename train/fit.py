"""Train CLAP on shards: read from top to bottom."""

import importlib.util
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from train.data.batch import Clips, Collate, FixedClips, batch_plan, train_loader
from train.data.shards import find_shards, fingerprint
from train.errors import BadInput, Stopped
from train.evaluate import score, table
from train.loop.checkpoint import drop_old, last_checkpoint, load_checkpoint, load_weights, read_run, save_checkpoint, start_run
from train.loop.log import RunLog
from train.loop.plots import learning_curve
from train.loop.ranks import all_reduce_mean, barrier, rank, world_size
from train.loop.step import lock_towers, make_optimizer, save_memory, train_step, training_mode
from train.recipe import TrainRecipe
from train.towers.model import Clap, build_model
from train.towers.pretrained import load_pretrained, read_weights
from train.towers.text import check_fit, pretrained_config
from train.towers.tokenizer import count_cut, load_tokenizer, train_tokenizer

BF16 = ("avx512_bf16", "amx_bf16", "arm_bf16")  # what processors call their instructions for it
LOOKED_AT = 1000  # captions that are compared with the context of a tower whose tokenizer is there already


@dataclass(frozen=True)
class Place:
    """Where a run happens: its folder, the cache of shards, the device, and how it speaks."""

    output: Path
    cache: Path
    device: torch.device
    say: Callable[[str], None]
    bar: bool = False

    def announce(self, text: str) -> None:
        """Say what is the same on all ranks, once."""
        if rank() == 0:
            self.say(text)


@dataclass
class Progress:
    """What changes while training, and is saved."""

    step: int = 0
    best: float = -1.0
    seen: int = 0
    broken: int = 0


@dataclass(frozen=True)
class Training:
    """A run under way."""

    clips: Clips
    valid: FixedClips
    recipe: TrainRecipe
    place: Place
    model: Clap
    tokenizer: PreTrainedTokenizerBase
    optimizer: torch.optim.Optimizer
    progress: Progress = field(default_factory=Progress)


def fit(shards: str, recipe: TrainRecipe, place: Place, resume: bool = False) -> None:
    """Train to the recipe's last step, or go on with the run in place.output; a finished run is left alone."""
    check_machine(recipe, place)
    clips, valid, recipe = check_data(shards, recipe, place.cache)
    check_folder(recipe, fingerprint(clips.shards), place.output, resume)
    finished = last_checkpoint(place.output)
    if finished and load_checkpoint(finished)["step"] >= recipe.steps:
        return place.announce(f"{place.output} has all its {recipe.steps} steps: nothing to do")
    tokenizer = get_tokenizer(recipe, clips, place, resume)

    published = read_weights(Path(recipe.audio_weights)) if recipe.audio_weights else {}

    torch.manual_seed(recipe.seed)
    model = build_model(recipe, tokenizer)
    if published:
        place.announce(load_pretrained(model, published, recipe.audio_weights))
    model.to(place.device)
    lock_towers(model, recipe.lock)
    save_memory(model, recipe.checkpointing)
    if recipe.compile:
        model.audio_branch.compile()
        model.text_branch.compile()
    training = Training(clips, valid, recipe, place, model, tokenizer, make_optimizer(model, recipe))
    if resume:
        restore(training)
    barrier()  # until every rank has seen that the folder is free
    if not resume and rank() == 0:
        start_run(place.output, recipe, model, tokenizer, fingerprint(clips.shards))
    n_parameters = sum(p.numel() for p in model.parameters())
    place.announce(f"{len(clips)} clips, {recipe.steps} steps of {recipe.batch}, {n_parameters / 1e6:.1f} M parameters, on {place.device}")
    train(training)


def train(run: Training) -> None:
    """Take the remaining steps; validate and save every valid_every steps and at the end."""
    recipe, place, progress = run.recipe, run.place, run.progress
    plan = batch_plan(len(run.clips), recipe.batch, recipe.seed, progress.step, recipe.steps, rank(), world_size())
    loader = train_loader(run.clips, plan, Collate(run.tokenizer, recipe.context), recipe.workers)
    log = RunLog(place.output, progress.step, recipe.steps, place.say, place.bar, recipe.wandb) if rank() == 0 else None
    training_mode(run.model)
    started = time.monotonic()
    for batch in loader:
        loss = train_step(run.model, batch.to(place.device), run.optimizer, recipe, progress.step)
        progress.step += 1
        if not math.isfinite(loss):
            raise Stopped(f"the loss of step {progress.step} is {loss}; the last checkpoint is from before: lower lr, or set clip_norm")
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
        learning_curve(place.output)


def validate(run: Training, log: RunLog) -> None:
    """Score valid, save the checkpoint, and keep it as the best one if it is (by mean mAP@10, never by test)."""
    progress, output = run.progress, run.place.output
    scores = score(run.model, run.tokenizer, run.valid, run.recipe.context, run.recipe.workers)
    log.record(progress.step, {"valid": scores})
    log.tell(f"valid at step {progress.step}\n{table(scores)}")
    merit = (scores["t2a"]["mAP@10"] + scores["a2t"]["mAP@10"]) / 2
    better, progress.best = merit > progress.best, max(merit, progress.best)
    state = {"model": run.model.state_dict(), **asdict(progress), "scores": scores}
    if better:
        save_checkpoint(output / "best.pt", state)
    save_checkpoint(output / f"step-{progress.step:07}.pt", {**state, "optimizer": run.optimizer.state_dict()})
    drop_old(output, run.recipe.keep)


def restore(run: Training) -> None:
    """Put model and optimizer back to the last checkpoint; order and randomness follow from the step."""
    path = last_checkpoint(run.place.output)
    if path:
        saved = load_checkpoint(path)
        load_weights(run.model, saved["model"], str(path))
        run.optimizer.load_state_dict(saved["optimizer"])
        vars(run.progress).update({name: saved[name] for name in vars(run.progress)})


def count_broken(run: Training, broken: tuple[str, ...], n: int) -> None:
    """Name broken samples; stop when they are too many."""
    progress, share = run.progress, run.recipe.broken_share
    progress.seen += n
    progress.broken += len(broken)
    for name in broken:
        run.place.say(f"broken sample left out: {name}")
    if progress.seen >= 20 and progress.broken > share * progress.seen:
        found = f"{progress.broken} of {progress.seen} samples are broken"
        raise Stopped(f"step {progress.step}: {found}; more than broken_share = {share}")


def check_machine(recipe: TrainRecipe, place: Place) -> None:
    """See that this machine can do what the recipe asks for."""
    if recipe.compile:
        from torch._inductor import config

        if not any(shutil.which(name) for name in config.cpp.cxx if name):
            raise BadInput(f"compile needs a C++ compiler, and there is no {config.cpp.cxx[-1]}: install it, set CXX, or leave compile out")
    if recipe.wandb and not importlib.util.find_spec("wandb"):
        raise BadInput(f"wandb = {recipe.wandb!r}, but wandb is not installed; install it or leave the key out")
    able = torch.cpu.get_capabilities()
    if recipe.precision == "bf16" and place.device.type == "cpu" and not any(able.get(kind) for kind in BF16):
        place.announce("this processor imitates bf16, which takes many times as long as fp32; --set precision=fp32 does without")


def check_data(shards: str, recipe: TrainRecipe, cache: Path) -> tuple[Clips, FixedClips, TrainRecipe]:
    """See that there is something to train and to validate on, and work out the number of steps."""
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


def check_folder(recipe: TrainRecipe, data: str, output: Path, resume: bool) -> None:
    """See that the folder is free, or holds the run that is to go on."""
    if not (output / "run.json").exists():
        if resume:
            raise BadInput(f"{output} holds no run to resume")
        return
    saved, saved_data = read_run(output)
    done = last_checkpoint(output)
    same = saved_data == data and replace(saved, steps=recipe.steps) == recipe
    if not (same and (resume or (done and load_checkpoint(done)["step"] >= recipe.steps))):
        why = "another recipe or other shards" if resume else "a run already"
        raise BadInput(f"{output} holds {why}; --resume with the same recipe and shards goes on, or give another --output")


def get_tokenizer(recipe: TrainRecipe, clips: Clips, place: Place, resume: bool) -> PreTrainedTokenizerBase:
    """Load the tower's tokenizer, or train one on the captions; say how many captions the context cuts."""
    if resume:
        return load_tokenizer(str(place.output / "tokenizer"))
    if recipe.text_weights:
        tokenizer = load_tokenizer(recipe.text_weights)
        check_fit(pretrained_config(recipe.text, recipe.text_weights), tokenizer, recipe.context)
        captions = list(islice(clips.all_captions(), LOOKED_AT))
    else:
        captions = sorted(set(clips.all_captions()))
        tokenizer = train_tokenizer(captions, recipe.vocabulary, recipe.context)
    n_cut = count_cut(tokenizer, captions, recipe.context)
    if n_cut:
        place.announce(f"{n_cut} of {len(captions)} captions are longer than the context of {recipe.context} tokens and are cut")
    return tokenizer
