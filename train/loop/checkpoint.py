"""Read and write the folder of a run: recipe, tokenizer, checkpoints."""

import json
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from train.errors import BadInput
from train.loop.atomic import atomic_write, disk_errors
from train.recipe import TrainRecipe, make_recipe
from train.towers.model import Clap, build_model
from train.towers.text import pretrained_config
from train.towers.tokenizer import load_tokenizer, save_tokenizer

SCALAR = np.float64(0).__reduce__()[0]  # published files hold scores as NumPy numbers
SAFE_TYPES: list[Any] = [np.dtype, np.dtypes.Float64DType, SCALAR, (SCALAR, "numpy.core.multiarray.scalar")]


@dataclass(frozen=True)
class Run:
    """A trained model, ready for use. step: the training step of its checkpoint."""

    folder: Path
    recipe: TrainRecipe
    model: Clap
    tokenizer: PreTrainedTokenizerBase
    step: int


def start_run(
    folder: Path,
    recipe: TrainRecipe,
    model: Clap,
    tokenizer: PreTrainedTokenizerBase,
    data: str,
    shards: str,
    leaks: Mapping[str, Any] | None = None,
) -> None:
    """Write tokenizer, configuration of the text tower and run.json.

    data: fingerprint of the training shards. shards: their address. leaks: what is known of benchmarks in them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with disk_errors(folder):
        save_tokenizer(tokenizer, folder / "tokenizer")
    model.text_branch.config.save_pretrained(str(folder / "text"))
    with atomic_write(folder / "run.json") as file:
        content = {"recipe": asdict(recipe), "data": data, "shards": without_secrets(shards), "leaks": leaks or {}}
        file.write(json.dumps(content, indent=1).encode())


def read_run(folder: Path) -> tuple[TrainRecipe, str]:
    """Return a run's recipe and the fingerprint of its training shards. Raise BadInput if the folder holds no run."""
    if not (folder / "run.json").is_file():
        raise BadInput(f"{folder} holds no run (run.json is missing); `fit SHARDS --output {folder}` makes one")
    try:
        saved = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        recipe, data = dict(saved["recipe"]), str(saved["data"])
    except (ValueError, TypeError, LookupError) as error:
        raise BadInput(f"{folder / 'run.json'} is damaged ({error}); train into another --output, or bring the file back") from error
    return make_recipe(recipe, str(folder / "run.json")), data


def without_secrets(address: str) -> str:
    """Return an address of shards without user, password and signature; of a folder its full path.

    >>> without_secrets("https://me:secret@example.org/set?sig=1")
    'https://example.org/set'
    """
    if "://" not in address:
        return str(Path(address).resolve())
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def training_shards(folder: Path) -> str:
    """Return the address of the shards that a run was trained on; nothing if its version did not record it."""
    return str(_recorded(folder, "shards") or "")


def training_leaks(folder: Path) -> Any:
    """Return what was known of benchmarks in the shards when the training began, as run.json has it."""
    return _recorded(folder, "leaks")


def _recorded(folder: Path, name: str) -> Any:
    return json.loads((folder / "run.json").read_text(encoding="utf-8")).get(name)


def load_run(folder: Path, device: torch.device) -> Run:
    """Load the checkpoint that was best on valid, or the last if there is no best one, in evaluation mode.

    Of a run with a moving average of the weights, that is the average.
    """
    recipe, _ = read_run(folder)
    path = folder / "best.pt" if (folder / "best.pt").exists() else last_checkpoint(folder)
    if path is None:
        raise BadInput(f"{folder} has no checkpoint yet; `fit` writes the first after valid_every steps")
    tokenizer = load_tokenizer(str(folder / "tokenizer"))
    saved = load_checkpoint(path)
    model = build_model(recipe, tokenizer, pretrained_config(recipe.text, str(folder / "text")))
    load_weights(model, saved.get("ema", saved["model"]), str(path))
    return Run(folder, recipe, model.to(device).eval(), tokenizer, saved["step"])


def load_checkpoint(path: Path) -> dict:
    """Read a checkpoint of a run. Raise BadInput if it is not one."""
    saved = read_torch(path)
    if not isinstance(saved, dict) or not isinstance(saved.get("model"), dict) or not isinstance(saved.get("step"), int):
        raise BadInput(f"{path} is a checkpoint of another layout: it should hold model, the weights by name, and step, a number")
    return saved


def read_torch(path: Path) -> Any:
    """Read a file of torch.save. Only tensors and plain values are accepted, never code. Raise BadInput for anything else."""
    try:
        with torch.serialization.safe_globals(SAFE_TYPES):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise BadInput(f"{path} is no readable checkpoint: {(str(error) or type(error).__name__).splitlines()[0]}") from error


def load_weights(model: Clap, weights: dict[str, torch.Tensor], where: str) -> None:
    """Load weights into a model. Raise BadInput if a name or an array's shape differs."""
    own = model.state_dict()
    wrong = sorted(own.keys() ^ weights.keys()) or sorted(k for k in own if own[k].shape != weights[k].shape)
    if wrong:
        raise BadInput(f"{where} is a checkpoint of another model: {len(wrong)} names or shapes differ, the first is {wrong[0]}")
    model.load_state_dict(weights)


def save_checkpoint(path: Path, content: dict) -> None:
    """Write a checkpoint. If that fails, an older file of this name stays. Raise OSError that names `path`, for a full disk too."""
    try:
        with atomic_write(path) as file:
            torch.save(content, file)
    except RuntimeError as error:  # PyTorch's writer hides the error of the disk
        if not isinstance(error.__context__, OSError):
            raise
        raise OSError(error.__context__.errno, error.__context__.strerror, str(path)) from error


def checkpoints(folder: Path) -> list[Path]:
    """Return the paths of the numbered checkpoints, the oldest first."""
    return sorted(folder.glob("step-*.pt"), key=lambda path: (len(path.name), path.name))


def last_checkpoint(folder: Path) -> Path | None:
    """Return the path of the newest numbered checkpoint."""
    return next(reversed(checkpoints(folder)), None)


def newest_readable(folder: Path) -> tuple[Path | None, dict, list[str]]:
    """Return the newest numbered checkpoint that can be read, its content, and a message for each newer one that cannot."""
    faults: list[str] = []
    for path in reversed(checkpoints(folder)):
        try:
            return path, load_checkpoint(path), faults
        except BadInput as error:
            faults.append(str(error))
    return None, {}, faults


def delete_unfinished(folder: Path) -> None:
    """Delete checkpoints that an earlier process, which was killed, did not write completely."""
    for path in folder.glob(".*.part/*.pt"):
        shutil.rmtree(path.parent, ignore_errors=True)


def delete_old(folder: Path, keep: int) -> None:
    """Delete all numbered checkpoints but the newest `keep`."""
    for path in checkpoints(folder)[:-keep]:
        path.unlink()
