"""Train CLAP on shards. Reads from top to bottom."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from signal import SIGTERM

import torch
from filelock import FileLock, Timeout
from transformers import PreTrainedTokenizerBase

from train.data.batch import Collate, train_loader
from train.data.order import portions, samples_of_steps
from train.data.samples import Clips, FixedClips
from train.data.shards import fingerprint
from train.errors import BadInput, Interrupted, NotFinite, Stopped
from train.evaluate import score, score_table
from train.loop.checkpoint import delete_old, load_weights, save_checkpoint, start_run
from train.loop.finite import REMEDY, check_weights
from train.loop.log import RunLog, validations
from train.loop.metrics import mean_map
from train.loop.plots import learning_curve
from train.loop.ranks import all_reduce_mean, any_rank, barrier, rank, world_size
from train.loop.signals import StopRequest, stop_requests
from train.loop.step import enable_checkpointing, lock_towers, make_optimizer, set_training_mode, train_step
from train.recipe import TrainRecipe
from train.start import Resume, RunEnvironment, Start, check_data, check_machine, check_output, get_tokenizer
from train.towers.model import Clap, build_model
from train.towers.pretrained import load_pretrained, read_weights

SAMPLES_BEFORE_STOP = 20  # the share of broken samples is not judged on fewer


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


def fit(shards: str, recipe: TrainRecipe, environment: RunEnvironment, resume: Resume = "no") -> None:
    """Train to the recipe's last step, or resume the run in environment.output. A finished run is left as it is.

    Raise BadInput, before a model is built, if machine, shards, recipe and output folder do not fit together. Raise Stopped if the
    run goes wrong.
    """
    check_machine(recipe, environment)
    clips, valid, recipe = check_data(shards, recipe, environment.cache, environment.most_bytes)
    start = check_output(recipe, fingerprint(clips.shards), environment.output, resume)
    if start.is_finished:
        return environment.report_once(f"{environment.output} has all its {recipe.steps} steps: nothing to do")
    training = prepare(clips, valid, recipe, environment, start)
    with folder_lock(environment.output):
        if not start.is_resumed and rank() == 0:
            start_run(environment.output, recipe, training.model, training.tokenizer, fingerprint(clips.shards))
        size = f"{sum(p.numel() for p in training.model.parameters()) / 1e6:.1f} M parameters, on {environment.device}"
        environment.report_once(f"{len(clips)} clips, {recipe.steps} steps of {recipe.batch}, {size}")
        train(training)


@contextmanager
def folder_lock(output: Path) -> Iterator[None]:
    """Let one process, of several ranks the first, train in a folder at a time. Raise BadInput if another one does."""
    if rank():
        yield
        return
    output.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(output / ".lock", blocking=False):
            yield
    except Timeout as error:
        raise BadInput(f"another process trains in {output} now; wait for it, stop it, or give another --output") from error


def prepare(clips: Clips, valid: FixedClips, recipe: TrainRecipe, environment: RunEnvironment, start: Start) -> Training:
    """Build the model, or load it where a run is resumed. Nothing is written."""
    tokenizer = get_tokenizer(recipe, clips, environment, start.is_resumed)
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
    restore(training, start)
    barrier()  # until every rank has checked that the output folder is free
    return training


def train(run: Training) -> None:
    """Take the remaining steps. Save and validate every valid_every steps and at the end; save at the recipe's other times too.

    Raise Interrupted, after a checkpoint is saved, if a signal asks this process or another rank to stop.
    """
    recipe, environment, progress = run.recipe, run.environment, run.progress
    parts = portions(run.clips.shards, recipe.dataset_weights)
    plan = samples_of_steps(parts, recipe.batch, recipe.seed, progress.step, recipe.steps, rank(), world_size())
    loader = train_loader(run.clips, plan, Collate(run.tokenizer, recipe.context), recipe.workers)
    log = None
    if rank() == 0:
        log = RunLog(environment.output, progress.step, recipe.steps, environment.report, environment.progress_bar, recipe.wandb)
    with stop_requests() as stop, contextlib.closing(log) if log else nullcontext():
        missed = log is not None and validates_at(run) and progress.step not in validations(environment.output, progress.step)
        if any_rank(missed, environment.device):
            validate(run, log, stop)  # the run was stopped while it was validated
        set_training_mode(run.model)
        started = saved = time.monotonic()
        for batch in loader:
            loss = train_step(run.model, batch.to(environment.device), run.optimizer, recipe, progress.step)
            progress.step += 1
            count_broken(run, batch.broken, len(batch.mel))
            seconds, started = time.monotonic() - started, time.monotonic()
            if log:
                values = {"loss": loss, "lr": run.optimizer.param_groups[0]["lr"], "clips_per_second": recipe.batch / seconds}
                log.step(progress.step, values, shown=progress.step % recipe.log_every == 0)
            if validates_at(run):
                validate(run, log, stop)
                started = saved = time.monotonic()
            elif any_rank(bool(stop) or save_is_due(run, started - saved), environment.device):
                save(run)
                saved = time.monotonic()
            else:
                continue
            if any_rank(bool(stop), environment.device):
                raise Interrupted(f"stopped after step {progress.step}, which is saved; --resume continues the run", stop.number or SIGTERM)
    if rank() == 0:
        learning_curve(environment.output)


def validates_at(run: Training) -> bool:
    """Return whether the run is validated after the step that it has taken last."""
    step = run.progress.step
    return step > 0 and (step % run.recipe.valid_every == 0 or step == run.recipe.steps)


def save_is_due(run: Training, seconds: float) -> bool:
    """Return whether a checkpoint is due between validations. seconds: since the last one."""
    every, minutes = run.recipe.save_every, run.recipe.save_minutes
    return bool((every and run.progress.step % every == 0) or (minutes and seconds >= 60 * minutes))


def save(run: Training) -> None:
    """Save a numbered checkpoint, from which the run can be resumed. Raise Stopped if weights are not finite."""
    all_reduce_mean([b for b in run.model.buffers() if b.is_floating_point()])  # statistics of batch normalisation
    check_weights(run.progress.step, run.model)
    if rank() == 0:
        output, state = run.environment.output, {"model": run.model.state_dict(), **asdict(run.progress)}
        save_checkpoint(output / f"step-{run.progress.step:07}.pt", {**state, "optimizer": run.optimizer.state_dict()})
        delete_old(output, run.recipe.keep)


def validate(run: Training, log: RunLog | None, stop: StopRequest) -> None:
    """Score the valid split on the rank that has the log, then save; also as the best checkpoint if the mean mAP@10 is the highest so far.

    Raise Stopped, before anything is saved, if scores are not finite. A signal ends the scoring; the step is saved without scores then,
    and validated when the run is resumed.
    """
    progress, scores = run.progress, {}
    if log:
        try:
            with stop.at_once():
                scores = score(run.model, run.tokenizer, run.valid, run.recipe.context, run.recipe.workers)
        except NotFinite as error:
            raise Stopped(f"valid after step {progress.step}: {error}; {REMEDY}") from error
        except InterruptedError:
            run.environment.report(f"the validation after step {progress.step} was stopped; it is done again when the run is resumed")
    better = bool(scores) and mean_map(scores) > progress.best
    if better:
        progress.best = mean_map(scores)
    save(run)
    if log and scores:
        if better:
            state = {"model": run.model.state_dict(), **asdict(progress), "scores": scores}
            save_checkpoint(run.environment.output / "best.pt", state)
        log.record(progress.step, {"valid": scores})  # last: a step whose scores are logged is not validated again
        log.print_line(f"valid at step {progress.step}\n{score_table(scores)}")
    barrier()


def restore(run: Training, start: Start) -> None:
    """Load model, optimizer and progress of a run that is resumed. Batches and randomness follow from the step."""
    for fault in start.faults:
        run.environment.report_once(f"{fault}; continuing from {start.path or 'the beginning'}")
    if start.path:
        load_weights(run.model, start.checkpoint["model"], str(start.path))
        run.optimizer.load_state_dict(start.checkpoint["optimizer"])
        vars(run.progress).update({name: start.checkpoint[name] for name in vars(run.progress)})
        run.progress.best = max([run.progress.best, *validations(run.environment.output, run.progress.step).values()])


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
