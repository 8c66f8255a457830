"""Log a run: a JSON line for every event, a progress bar or lines of text, TensorBoard and wandb if they are there."""

import importlib.util
import json
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from train.errors import BadInput
from train.loop.atomic import atomic_write
from train.scores.metrics import mean_map

SECONDS_BETWEEN_LINES = 5.0
# wandb waits without a limit for its own process when a run ends (0.23.1); a run of a few numbers a step ends in seconds.
SECONDS_FOR_WANDB = 120.0
Writer = Callable[[int, dict], None]


class RunLog:
    """Write the log of a run. A resumed run first deletes the events after the step at which it resumes.

    first_step: steps taken so far. steps: steps of the run. report: receives lines of text, if there is no progress bar.
    """

    def __init__(self, folder: Path, first_step: int, steps: int, report: Callable[[str], None], progress_bar: bool, wandb: str = ""):
        self.path, self.report, self.last_line = folder / "log.jsonl", report, 0.0
        events = read_log(folder) if first_step else []
        with atomic_write(self.path) as file:
            file.write("".join(json.dumps(event) + "\n" for event in events if event["step"] <= first_step).encode())
        self.bar = tqdm(total=steps, initial=first_step, unit="step", dynamic_ncols=True) if progress_bar else None
        self.steps, self.losses = steps, list[float]()
        self.closing = ExitStack()
        writers = (_tensorboard(folder, first_step, self.closing), _wandb(folder, first_step, wandb, self.closing, report))
        self.writers = [writer for writer in writers if writer]

    def step(self, step: int, values: dict[str, float], shown: bool) -> None:
        """Record a training step.

        A line of text is reported if `shown`, or 5 seconds after the last line, with the mean loss of the steps since then.
        """
        self.record(step, values)
        self.losses.append(values["loss"])
        values = values | {"loss": sum(self.losses) / len(self.losses)}
        text = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self.bar:
            self.bar.n = step
            self.bar.set_postfix_str(text)
        elif shown or time.monotonic() - self.last_line > SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            self.losses.clear()
            self.report(f"step {step:>5}/{self.steps}  {text}")

    def record(self, step: int, values: dict) -> None:
        """Append one event to log.jsonl, TensorBoard and wandb."""
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values}, allow_nan=False) + "\n")
        for write in self.writers:
            write(step, values)

    def print_line(self, text: str) -> None:
        """Report a line of text, above the progress bar if there is one."""
        if self.bar:
            self.bar.write(text)
        else:
            self.report(text)

    def close(self) -> None:
        """Close the progress bar, TensorBoard and wandb."""
        self.closing.close()
        if self.bar:
            self.bar.close()


def read_log(folder: Path) -> list[dict]:
    """Return the events of a run's log, in order; none without a log. A last line that was not written completely is left out.

    Raise BadInput if another line is no event.
    """
    path = folder / "log.jsonl"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    events = []
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
            if not isinstance(event["step"], int):
                raise TypeError
            if "valid" in event:
                mean_map(event["valid"])
            events.append(event)
        except (ValueError, TypeError, LookupError) as error:
            if number < len(lines):
                raise BadInput(f"{path}: line {number} is no event of a run; remove it") from error
    return events


def validations(folder: Path, last_step: int) -> dict[int, float]:
    """Return the mean mAP@10 of every validation up to a step, by step."""
    return {event["step"]: mean_map(event["valid"]) for event in read_log(folder) if "valid" in event and event["step"] <= last_step}


def _tensorboard(folder: Path, first_step: int, closing: ExitStack) -> Writer | None:
    """Return a writer for TensorBoard, if it is installed. TensorBoard drops the events after first_step that came before."""
    if not importlib.util.find_spec("tensorboard"):
        return None
    from torch.utils.tensorboard import SummaryWriter

    board = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step + 1 if first_step else None)
    closing.callback(board.close)

    def write(step: int, values: dict) -> None:
        for name, value in flatten(values).items():
            board.add_scalar(name, value, step)
        board.flush()

    return write


def _wandb(folder: Path, first_step: int, project: str, closing: ExitStack, report: Callable[[str], None]) -> Writer | None:
    """Return a writer for a project of wandb, if the recipe names one. A resumed run continues the same run of wandb."""
    if not project:
        return None
    import wandb

    id_file = folder / "wandb-id"
    if not first_step or not id_file.exists():
        id_file.write_text(secrets.token_hex(4))
    try:
        run = wandb.init(project=project, name=folder.name, dir=str(folder), id=id_file.read_text(), resume="allow")
    except wandb.Error as error:
        raise BadInput(f"wandb = {project!r}: {str(error).splitlines()[0]}; WANDB_MODE=offline logs to this machine alone") from error
    closing.callback(finish_in_time, run.finish, SECONDS_FOR_WANDB, report)
    return lambda step, values: run.log(flatten(values), step=step)


def finish_in_time(finish: Callable[[], None], seconds: float, report: Callable[[str], None]) -> None:
    """End a run of wandb. Where that takes longer than `seconds`, report it and go on: the run's own log has every event."""
    thread = threading.Thread(target=finish, name="wandb finish", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        report(f"wandb does not end within {seconds:g} s and is left behind; log.jsonl has every event, and `wandb sync` sends what stands")


def flatten(values: dict, prefix: str = "") -> dict[str, float]:
    """Return the numbers of nested dicts, named by their path. Other values are left out.

    >>> flatten({"loss": 1.0, "t2a": {"R@1": 0.5}})
    {'loss': 1.0, 't2a/R@1': 0.5}
    """
    pairs: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            pairs |= flatten(value, f"{prefix}{key}/")
        elif isinstance(value, (int, float)):
            pairs[prefix + key] = value
    return pairs
