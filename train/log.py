"""What a run tells: a JSONL line for every event, a bar or a line every few seconds, TensorBoard and wandb where they are wanted."""

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

EVERY_SECONDS = 5.0


class RunLog:
    """Writes log.jsonl of a run; a resumed run first drops what was logged after the step it resumes at."""

    def __init__(self, folder: Path, first_step: int, steps: int, say: Callable[[str], None], bar: bool, wandb: str = ""):
        self.path, self.say, self.spoken = folder / "log.jsonl", say, 0.0
        kept = [line for line in self.path.read_text().splitlines() if json.loads(line)["step"] <= first_step] if self.path.exists() else []
        self.path.write_text("".join(line + "\n" for line in kept if first_step))
        self.bar = tqdm(total=steps, initial=first_step, unit="step", dynamic_ncols=True) if bar else None
        self.steps, self.losses = steps, list[float]()
        self.writers = _writers(folder, wandb)

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
        """End the bar."""
        if self.bar:
            self.bar.close()


def read_log(folder: Path) -> list[dict]:
    """Return the events of a run in order."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def _writers(folder: Path, wandb_project: str) -> list[Callable[[int, dict], None]]:
    """Return a function for each further log that can be written here."""
    writers: list[Callable[[int, dict], None]] = []
    if importlib.util.find_spec("tensorboard"):
        from torch.utils.tensorboard import SummaryWriter

        board = SummaryWriter(str(folder / "tensorboard"))

        def to_board(step: int, values: dict) -> None:
            for name, value in flat(values).items():
                board.add_scalar(name, value, step)
            board.flush()

        writers.append(to_board)
    if wandb_project:
        import wandb

        run = wandb.init(project=wandb_project, name=folder.name)
        writers.append(lambda step, values: run.log(flat(values), step=step))
    return writers


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
