"""Train CLAP on shards: read from top to bottom."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from train.checkpoint import drop_old, last_checkpoint, load_checkpoint, load_weights, read_run, save_checkpoint, start_run
from train.data import Clips, Collate, batch_plan, train_loader
from train.evaluate import score, table
from train.log import RunLog
from train.model import Clap, build_model
from train.picture import learning_curve
from train.problem import BadInput, Stopped
from train.published import load_published
from train.ranks import average_statistics, rank, wait, world
from train.recipe import Recipe
from train.shards import find_shards, fingerprint
from train.step import lock_tower, make_optimizer, save_memory, train_step, training_mode
from train.text import pretrained_config
from train.tokenizer import count_cut, load_tokenizer, train_tokenizer


@dataclass(frozen=True)
class Place:
    """Where a run happens: its folder, the cache of shards, the device, and how it speaks."""

    output: Path
    cache: Path
    device: torch.device
    say: Callable[[str], None]
    bar: bool = False


@dataclass
class Progress:
    """What changes while training, and is saved."""

    step: int = 0
    best: float = -1.0
    seen: int = 0
    broken: int = 0


def fit(shards: str, recipe: Recipe, place: Place, resume: bool = False) -> None:
    """Train to the recipe's last step, or go on with the run in place.output; a finished run is left alone."""
    clips, recipe = check_data(shards, recipe, place)
    recipe = check_folder(recipe, fingerprint(clips.shards), place.output, resume)
    finished = last_checkpoint(place.output)
    if finished and load_checkpoint(finished)["step"] >= recipe.steps:
        return place.say(f"{place.output} has all its {recipe.steps} steps: nothing to do")
    tokenizer = get_tokenizer(recipe, clips, place, resume)

    torch.manual_seed(recipe.seed)
    model = build_model(recipe, tokenizer)
    if recipe.audio_weights:
        place.say(load_published(model, Path(recipe.audio_weights)))
    model.to(place.device)
    lock_tower(model, recipe.lock)
    save_memory(model, recipe.checkpointing)
    if recipe.compile:
        model.audio_branch.compile()
        model.text_branch.compile()
    optimizer = make_optimizer(model, recipe)
    progress = restore(model, optimizer, place.output) if resume else Progress()
    if not resume and rank() == 0:
        start_run(place.output, recipe, model, tokenizer, fingerprint(clips.shards))
    n_parameters = sum(p.numel() for p in model.parameters())
    place.say(f"{len(clips)} clips, {recipe.steps} steps of {recipe.batch}, {n_parameters / 1e6:.1f} M parameters, on {place.device}")
    train(shards, clips, recipe, place, model, tokenizer, optimizer, progress)


def train(
    shards: str,
    clips: Clips,
    recipe: Recipe,
    place: Place,
    model: Clap,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Take the remaining steps; validate and save every valid_every steps and at the end."""
    plan = batch_plan(len(clips), recipe.batch, recipe.seed, progress.step, recipe.steps, rank(), world())
    loader = train_loader(clips, plan, Collate(tokenizer, recipe.context), recipe.workers)
    log = RunLog(place.output, progress.step, recipe.steps, place.say, place.bar, recipe.wandb) if rank() == 0 else None
    training_mode(model, recipe.lock)
    started = time.monotonic()
    for batch in loader:
        loss = train_step(model, batch.to(place.device), optimizer, recipe, progress.step)
        progress.step += 1
        if not torch.tensor(loss).isfinite():
            raise Stopped(f"the loss of step {progress.step} is {loss}; the last checkpoint is from before: lower lr, or set clip_norm")
        count_broken(batch.broken, len(batch.mel), progress, recipe, place)
        seconds, started = time.monotonic() - started, time.monotonic()
        if log:
            values = {"loss": loss, "lr": optimizer.param_groups[0]["lr"], "clips_per_second": recipe.batch / seconds}
            log.step(progress.step, values, shown=progress.step % recipe.log_every == 0)
        if progress.step % recipe.valid_every == 0 or progress.step == recipe.steps:
            average_statistics(model)
            if log:
                validate(shards, recipe, place, model, tokenizer, optimizer, progress, log)
            wait()
            started = time.monotonic()
    if log:
        log.close()
        learning_curve(place.output)


def validate(
    shards: str,
    recipe: Recipe,
    place: Place,
    model: Clap,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    log: RunLog,
) -> None:
    """Score valid, save the checkpoint, and keep it as the best one if it is (by mean mAP@10, never by test)."""
    scores = score(model, tokenizer, shards, "valid", recipe.context, place.cache, recipe.workers)
    log.record(progress.step, {"valid": scores})
    log.tell(f"valid at step {progress.step}\n{table(scores)}")
    merit = (scores["t2a"]["mAP@10"] + scores["a2t"]["mAP@10"]) / 2
    better, progress.best = merit > progress.best, max(merit, progress.best)
    state = {"model": model.state_dict(), **vars(progress), "scores": scores}
    if better:
        save_checkpoint(place.output / "best.pt", state)
    save_checkpoint(place.output / f"step-{progress.step:07}.pt", {**state, "optimizer": optimizer.state_dict()})
    drop_old(place.output, recipe.keep)


def check_data(shards: str, recipe: Recipe, place: Place) -> tuple[Clips, Recipe]:
    """See that there is something to train and to validate on, and work out the number of steps."""
    find_shards(shards, "valid")
    clips = Clips(find_shards(shards, "train"), recipe.fusion != "none", place.cache, recipe.texts, recipe.seed)
    if len(clips) < recipe.batch:
        raise BadInput(
            f"{shards} has {len(clips)} training samples, fewer than a batch of {recipe.batch}; --set batch=... makes it smaller"
        )
    if recipe.batch % (world() * recipe.chunks):
        raise BadInput(f"batch = {recipe.batch} does not divide into {world()} ranks of {recipe.chunks} chunks")
    per_epoch = len(clips) // recipe.batch
    steps, valid_every = recipe.steps or recipe.epochs * per_epoch, recipe.valid_every or per_epoch
    return clips, replace(recipe, steps=steps, valid_every=valid_every)


def check_folder(recipe: Recipe, data: str, output: Path, resume: bool) -> Recipe:
    """See that the folder is free, or holds the run that is to go on."""
    if not (output / "run.json").exists():
        if resume:
            raise BadInput(f"{output} holds no run to resume")
        return recipe
    saved, saved_data = read_run(output)
    done = last_checkpoint(output)
    if (saved, saved_data) == (recipe, data) and (resume or (done and load_checkpoint(done)["step"] >= recipe.steps)):
        return recipe
    if resume and saved_data == data and replace(saved, steps=recipe.steps) == recipe:
        return recipe
    why = "another recipe or other shards" if resume else "a run already"
    raise BadInput(f"{output} holds {why}; --resume with the same recipe and shards goes on, or give another --output")


def get_tokenizer(recipe: Recipe, clips: Clips, place: Place, resume: bool) -> PreTrainedTokenizerBase:
    """Load the tower's tokenizer, or train one on the captions; say how many captions the context cuts."""
    if resume:
        return load_tokenizer(str(place.output / "tokenizer"))
    if recipe.text_weights:
        pretrained_config(recipe.text, recipe.text_weights)
        return load_tokenizer(recipe.text_weights)
    captions = sorted(set(clips.all_captions()))
    tokenizer = train_tokenizer(captions, recipe.vocabulary, recipe.context)
    n_cut = count_cut(tokenizer, captions, recipe.context)
    if n_cut:
        place.say(f"{n_cut} of {len(captions)} captions are longer than the context of {recipe.context} tokens and are cut")
    return tokenizer


def restore(model: Clap, optimizer: torch.optim.Optimizer, folder: Path) -> Progress:
    """Put model and optimizer back to the last checkpoint; order and randomness follow from the step."""
    path = last_checkpoint(folder)
    if path is None:
        return Progress()
    saved = load_checkpoint(path)
    load_weights(model, saved["model"], str(path))
    optimizer.load_state_dict(saved["optimizer"])
    return Progress(saved["step"], saved["best"], saved["seen"], saved["broken"])


def count_broken(broken: tuple[str, ...], n: int, progress: Progress, recipe: Recipe, place: Place) -> None:
    """Name broken samples; stop when they are too many."""
    progress.seen += n
    progress.broken += len(broken)
    for name in broken:
        place.say(f"broken sample left out: {name}")
    if progress.seen >= 20 and progress.broken > recipe.broken_share * progress.seen:
        raise Stopped(
            f"step {progress.step}: {progress.broken} of {progress.seen} samples are broken; more than broken_share = {recipe.broken_share}"
        )
