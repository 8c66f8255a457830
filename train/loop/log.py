"""What a run tells: a JSONL line for every event, a bar or a line every few seconds, TensorBoard and wandb where they are wanted."""

import importlib.util
import json
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

EVERY_SECONDS = 5.0
Writer = Callable[[int, dict], None]


class RunLog:
    """Writes log.jsonl of a run; a resumed run first drops what was logged after the step it resumes at."""

    def __init__(self, folder: Path, first_step: int, steps: int, say: Callable[[str], None], bar: bool, wandb: str = ""):
        self.path, self.say, self.spoken = folder / "log.jsonl", say, 0.0
        kept = [line for line in self.path.read_text().splitlines() if json.loads(line)["step"] <= first_step] if self.path.exists() else []
        self.path.write_text("".join(line + "\n" for line in kept if first_step))
        self.bar = tqdm(total=steps, initial=first_step, unit="step", dynamic_ncols=True) if bar else None
        self.steps, self.losses = steps, list[float]()
        self.ends = ExitStack()
        writers = (_tensorboard(folder, first_step, self.ends), _wandb(folder, first_step, wandb, self.ends))
        self.writers = [writer for writer in writers if writer]

    def step(self, step: int, values: dict[str, float], shown: bool) -> None:
        """Record a training step; shown: also tell the reader now, with the mean loss since the last time."""
        self.record(step, values)
        self.losses.append(values["loss"])
        values = values | {"loss": sum(self.losses) / len(self.losses)}
        text = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self.bar:
            self.bar.n = step
            self.bar.set_postfix_str(text)
        elif shown or time.monotonic() - self.spoken > EVERY_SECONDS:
            self.spoken = time.monotonic()
            self.losses.clear()
            self.say(f"step {step:>5}/{self.steps}  {text}")

    def record(self, step: int, values: dict) -> None:
        """Append one event to log.jsonl and the other writers."""
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        for write in self.writers:
            write(step, values)

    def tell(self, text: str) -> None:
        """Print a line without breaking the bar."""
        if self.bar:
            self.bar.write(text)
        else:
            self.say(text)

    def close(self) -> None:
        """End the bar and the other writers."""
        self.ends.close()
        if self.bar:
            self.bar.close()


def read_log(folder: Path) -> list[dict]:
    """Return the events of a run in order."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def _tensorboard(folder: Path, first_step: int, ends: ExitStack) -> Writer | None:
    """Return what writes events for TensorBoard, if that is installed; events of a resumed run that come twice are purged."""
    if not importlib.util.find_spec("tensorboard"):
        return None
    from torch.utils.tensorboard import SummaryWriter

    board = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step + 1 if first_step else None)
    ends.callback(board.close)

    def write(step: int, values: dict) -> None:
        for name, value in flat(values).items():
            board.add_scalar(name, value, step)
        board.flush()

    return write


def _wandb(folder: Path, first_step: int, project: str, ends: ExitStack) -> Writer | None:
    """Return what writes to a project of wandb, if one is named; a resumed run goes on with the same run there."""
    if not project:
        return None
    import wandb

    known = folder / "wandb-id"
    if not first_step or not known.exists():
        known.write_text(secrets.token_hex(4))
    run = wandb.init(project=project, name=folder.name, dir=str(folder), id=known.read_text(), resume="allow")
    ends.callback(run.finish)
    return lambda step, values: run.log(flat(values), step=step)


def flat(values: dict, prefix: str = "") -> dict[str, float]:
    """Name nested numbers by their path.

    >>> flat({"loss": 1.0, "t2a": {"R@1": 0.5}})
    {'loss': 1.0, 't2a/R@1': 0.5}
    """
    pairs: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            pairs |= flat(value, f"{prefix}{key}/")
        elif isinstance(value, (int, float)):
            pairs[prefix + key] = value
    return pairs
