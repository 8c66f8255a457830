"""Train CLAP on shards. Reads from top to bottom."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from signal import SIGTERM

from filelock import FileLock, Timeout
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from train.begin import begin_model
from train.data.batch import Collate, read_batches, train_loader
from train.data.order import portions, samples_of_steps
from train.data.samples import Clips, FixedClips
from train.data.shards import fingerprint
from train.errors import BadInput, Interrupted, NotFinite, Stopped
from train.evaluate import by_dataset, score
from train.hub.leaks import read_leaks
from train.loop.checkpoint import delete_old, delete_unfinished, save_checkpoint, start_run
from train.loop.finite import REMEDY, check_weights
from train.loop.learner import Learner, make_learner
from train.loop.log import RunLog, validations
from train.loop.modes import enable_checkpointing, lock_towers, set_training_mode
from train.loop.optimizer import learning_rate, locked_towers
from train.loop.plots import learning_curve
from train.loop.ranks import any_rank, barrier, gather_results, rank, sum_over_ranks, world_size
from train.loop.signals import StopRequest, stop_requests
from train.loop.speed import Meter, count_work, peak_of
from train.loop.step import StepResult, train_step
from train.recipe import TrainRecipe
from train.scores.metrics import mean_map
from train.scores.table import score_table
from train.start import Resume, RunEnvironment, Start, check_data, check_machine, check_output
from train.towers.clap_model import why_not_exported
from train.towers.model import Batch

SAMPLES_BEFORE_STOP = 20  # the share of broken samples is not judged on fewer


@dataclass
class Progress:
    """State of a run besides that of its learner, as saved in checkpoints.

    best: the best mean mAP@10 on valid so far. seen, broken: samples of all ranks. skipped: steps without an update, because of fp16.
    """

    step: int = 0
    best: float = -1.0
    seen: int = 0
    broken: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Training:
    """Everything that the training loop needs. valid: the clips of each dataset that has a valid split."""

    clips: Clips
    valid: Mapping[str, FixedClips]
    recipe: TrainRecipe
    environment: RunEnvironment
    learner: Learner
    meter: Meter
    tokenizer: PreTrainedTokenizerBase
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
            leaks = read_leaks(shards, clips.shards)
            if leaks.in_words():
                environment.report_once(leaks.in_words())
            data = fingerprint(clips.shards)
            start_run(environment.output, recipe, training.learner.model, training.tokenizer, data, shards, asdict(leaks))
        size = f"{sum(p.numel() for p in training.learner.model.parameters()) / 1e6:.1f} M parameters, on {environment.device}"
        environment.report_once(f"{len(clips)} clips, {recipe.steps} steps of {recipe.batch}, {size}")
        if reason := why_not_exported(training.learner.model):
            environment.report_once(f"this run cannot be exported: {reason}")
        train(training)


@contextmanager
def folder_lock(output: Path) -> Iterator[None]:
    """Let one process, of several ranks the first, train in a folder at a time. Raise BadInput, on all ranks, if another one does."""
    lock = FileLock(output / ".lock", blocking=False)

    def take() -> None:
        if rank():
            return
        output.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise BadInput(f"another process trains in {output} now; wait for it, stop it, or give another --output") from error
        delete_unfinished(output)

    try:
        gather_results(take)
        yield
    finally:
        lock.release()


def prepare(clips: Clips, valid: FixedClips, recipe: TrainRecipe, environment: RunEnvironment, start: Start) -> Training:
    """Build the model, or load it where a run is resumed. Nothing is written."""
    model, tokenizer = begin_model(recipe, clips, environment, start)
    model.to(environment.device)
    lock_towers(model, recipe.lock)
    if recipe.checkpointing:
        enable_checkpointing(model)
    meter = Meter(model, count_work(model), peak_of(environment.device, recipe.precision), environment.device)
    learner = make_learner(model, recipe)
    if recipe.compile:
        model.audio_branch.compile()
        model.text_branch.compile()
    training = Training(clips, by_dataset(valid), recipe, environment, learner, meter, tokenizer)
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
        begin_training(run)
        saved = time.monotonic()
        run.meter.restart()
        for batch in run.meter.batches(read_batches(loader)):
            take_step(run, batch, log)
            is_due = bool(stop) or save_is_due(run, time.monotonic() - saved)
            n_broken, n_due = sum_over_ranks([len(batch.broken), is_due], environment.device)
            count_broken(run, batch.broken, n_broken)
            if validates_at(run):
                validate(run, log, stop)
            elif n_due:
                save(run)
            else:
                continue
            if any_rank(bool(stop), environment.device):
                raise Interrupted(f"stopped after step {progress.step}, which is saved; --resume continues the run", stop.number or SIGTERM)
            saved = time.monotonic()
            run.meter.restart()
    if rank() == 0:
        learning_curve(environment.output)


def take_step(run: Training, batch: Batch, log: RunLog | None) -> None:
    """Take a step and log it."""
    progress = run.progress
    if progress.step == run.recipe.unlock_after:
        begin_training(run)
    result = train_step(run.learner, batch.to(run.environment.device), progress.step)
    progress.step += 1
    progress.skipped += result.is_skipped
    if log:
        log.step(progress.step, step_values(run, result, batch), shown=progress.step % run.recipe.log_every == 0)


def begin_training(run: Training) -> None:
    """Switch to training mode, with the towers locked that the next step does not train."""
    run.learner.lock(locked_towers(run.recipe, run.progress.step))
    set_training_mode(run.learner.model)


def step_values(run: Training, result: StepResult, batch: Batch) -> dict[str, float]:
    """Return what the log has of the step that was taken last."""
    learner, meter = run.learner, run.meter
    values = {"loss": result.loss, "lr": learning_rate(run.recipe, run.progress.step - 1), **meter.step(batch, run.recipe.batch)}
    if learner.scaler.is_enabled():
        values |= {"loss_scale": learner.scaler.get_scale(), "skipped": run.progress.skipped}
    return values


def validates_at(run: Training) -> bool:
    """Return whether the run is validated after the step that it has taken last."""
    step = run.progress.step
    return step > 0 and (step % run.recipe.valid_every == 0 or step == run.recipe.steps)


def save_is_due(run: Training, seconds: float) -> bool:
    """Return whether a checkpoint is due between validations. seconds: since the last one."""
    every, minutes = run.recipe.save_every, run.recipe.save_minutes
    return bool((every and run.progress.step % every == 0) or (minutes and seconds >= 60 * minutes))


def save(run: Training) -> dict[str, Tensor]:
    """Save a numbered checkpoint, from which the run can be resumed. Return the weights that are scored and exported.

    Raise Stopped, on all ranks, if weights are not finite.
    """
    run.learner.average_statistics()
    check_weights(run.progress.step, run.learner.model)
    state = run.learner.state()
    if rank() == 0:
        output = run.environment.output
        save_checkpoint(output / f"step-{run.progress.step:07}.pt", {**state, **asdict(run.progress)})
        delete_old(output, run.recipe.keep)
    return state.get("ema", state["model"])


def validate(run: Training, log: RunLog | None, stop: StopRequest) -> None:
    """Score the valid splits, on all ranks together, then save.

    The best checkpoint is that with the highest mAP@10, a mean of both ways and over the datasets.

    Raise Stopped, before anything is saved, if scores are not finite. A signal to any rank ends the scoring; the step is saved without
    scores then, and validated when the run is resumed.
    """
    progress, scores = run.progress, {}
    run.learner.average_statistics()
    with run.learner.scored_model() as model:
        try:
            scores = score(model, run.tokenizer, run.valid, run.recipe.context, run.recipe.workers, stop.at_once)
        except NotFinite as error:
            raise Stopped(f"valid after step {progress.step}: {error}; {REMEDY}") from error
        except InterruptedError:
            run.environment.report_once(f"the validation after step {progress.step} was stopped; it is done again when the run is resumed")
    better = bool(scores) and mean_map(scores) > progress.best
    if better:
        progress.best = mean_map(scores)
    weights = save(run)
    if log and scores:
        if better:
            save_checkpoint(run.environment.output / "best.pt", {"model": weights, **asdict(progress), "scores": scores})
        log.record(progress.step, {"valid": scores})  # last: a step whose scores are logged is not validated again
        log.print_line(f"valid at step {progress.step}\n{score_table(scores)}")
    barrier()


def restore(run: Training, start: Start) -> None:
    """Load optimizer and progress of a run that is resumed. Batches and randomness follow from the step.

    Raise BadInput for a checkpoint of an earlier version.
    """
    for fault in start.faults:
        run.environment.report_once(f"{fault}; continuing from {start.path or 'the beginning'}")
    if start.path:
        missing = sorted({"optimizer", "scaler", *vars(run.progress)} - start.checkpoint.keys())
        if missing:
            raise BadInput(f"{start.path} is of an earlier version, it has no {missing[0]}; give another --output")
        run.learner.load(start.checkpoint)
        vars(run.progress).update({name: start.checkpoint[name] for name in vars(run.progress)})
        run.progress.best = max([run.progress.best, *validations(run.environment.output, run.progress.step).values()])


def count_broken(run: Training, broken: tuple[str, ...], n_broken: float) -> None:
    """Report broken samples of this rank. n_broken: of all ranks.

    Raise Stopped, on all ranks, if they are more than broken_share of the samples seen.
    """
    progress, share = run.progress, run.recipe.broken_share
    progress.seen += run.recipe.batch
    progress.broken += int(n_broken)
    for message in broken:
        run.environment.report(f"broken sample left out: {message}")
    if progress.seen >= SAMPLES_BEFORE_STOP and progress.broken > share * progress.seen:
        counts = f"{progress.broken} of {progress.seen} samples are broken"
        raise Stopped(f"step {progress.step}: {counts}; more than broken_share = {share}")
