"""A run's folder: recipe, tokenizer, checkpoints that are written whole or not at all."""

import json
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from train.errors import BadInput
from train.loop.atomic import atomic_write
from train.recipe import TrainRecipe, make_recipe
from train.towers.model import Clap, build_model
from train.towers.text import pretrained_config
from train.towers.tokenizer import load_tokenizer, save_tokenizer

SCALAR = np.float64(0).__reduce__()[0]  # published files hold scores as NumPy numbers
HARMLESS: list[Any] = [np.dtype, np.dtypes.Float64DType, SCALAR, (SCALAR, "numpy.core.multiarray.scalar")]


@dataclass(frozen=True)
class Run:
    """A trained model with what it needs to be used."""

    folder: Path
    recipe: TrainRecipe
    model: Clap
    tokenizer: PreTrainedTokenizerBase
    step: int


def start_run(folder: Path, recipe: TrainRecipe, model: Clap, tokenizer: PreTrainedTokenizerBase, data: str) -> None:
    """Write what does not change during the run; data: fingerprint of the training shards."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(tokenizer, folder / "tokenizer")
    model.text_branch.config.save_pretrained(str(folder / "text"))
    with atomic_write(folder / "run.json") as file:
        file.write(json.dumps({"recipe": asdict(recipe), "data": data}, indent=1).encode())


def read_run(folder: Path) -> tuple[TrainRecipe, str]:
    """Return recipe and data fingerprint of a run."""
    if not (folder / "run.json").is_file():
        raise BadInput(f"{folder} holds no run (run.json is missing); `fit SHARDS --output {folder}` makes one")
    saved = json.loads((folder / "run.json").read_text())
    return make_recipe(saved["recipe"], str(folder / "run.json")), saved["data"]


def load_run(folder: Path, device: torch.device) -> Run:
    """Load the best checkpoint on valid, or the last one, ready for use."""
    recipe, _ = read_run(folder)
    path = folder / "best.pt" if (folder / "best.pt").exists() else last_checkpoint(folder)
    if path is None:
        raise BadInput(f"{folder} has no checkpoint yet")
    tokenizer = load_tokenizer(str(folder / "tokenizer"))
    saved = load_checkpoint(path)
    model = build_model(recipe, tokenizer, pretrained_config(recipe.text, str(folder / "text")))
    load_weights(model, saved["model"], str(path))
    return Run(folder, recipe, model.to(device).eval(), tokenizer, saved["step"])


def load_checkpoint(path: Path) -> dict:
    """Read a checkpoint of a run."""
    saved = read_torch(path)
    if not isinstance(saved, dict) or not {"model", "step"} <= saved.keys():
        raise BadInput(f"{path} is a checkpoint of another layout: it should hold model and step")
    return saved


def read_torch(path: Path) -> Any:
    """Read what torch.save wrote; only tensors and plain values are accepted, never code."""
    try:
        with torch.serialization.safe_globals(HARMLESS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise BadInput(f"{path} is no readable checkpoint: {(str(error) or type(error).__name__).splitlines()[0]}") from error


def load_weights(model: Clap, weights: dict[str, torch.Tensor], where: str) -> None:
    """Put weights into the model; names and shapes must be the same."""
    own = model.state_dict()
    wrong = sorted(own.keys() ^ weights.keys()) or sorted(k for k in own if own[k].shape != weights[k].shape)
    if wrong:
        raise BadInput(f"{where} is a checkpoint of another model: {len(wrong)} names or shapes differ, the first is {wrong[0]}")
    model.load_state_dict(weights)


def save_checkpoint(path: Path, content: dict) -> None:
    """Write a checkpoint."""
    with atomic_write(path) as file:
        torch.save(content, file)


def checkpoints(folder: Path) -> list[Path]:
    """List the numbered checkpoints, the oldest first."""
    return sorted(folder.glob("step-*.pt"))


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest numbered checkpoint."""
    return next(reversed(checkpoints(folder)), None)


def drop_old(folder: Path, keep: int) -> None:
    """Delete all numbered checkpoints but the newest ones."""
    for path in checkpoints(folder)[:-keep]:
        path.unlink()
