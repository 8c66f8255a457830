"""Runs with a moving average, the sigmoid loss and towers that are unlocked: resumed to the bit, and what is scored and saved of them."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train_runs import CPU, TINY, environment, losses, on_two_ranks
from tests.train_sets import write_set
from train.data.samples import FixedClips
from train.data.shards import find_shards
from train.evaluate import by_dataset, score
from train.fit import fit
from train.loop.checkpoint import load_checkpoint, load_run
from train.loop.log import read_log

# A warm-up of more steps than there are: the rates of a step do not depend on the number of steps, so a run of 2 is the start of one of 4.
RECIPE = replace(TINY, fusion="none", batch=2, steps=4, valid_every=4, save_every=1, keep=9, warmup=9, lr=1e-2, text_lr_factor=0.5)
OPTIONS: dict[str, dict[str, Any]] = {
    "average and sigmoid": {"ema": 0.9, "loss": "sigmoid", "layer_decay": 0.8},
    "unlocked before the checkpoint": {"lock": "text", "unlock_after": 1},
    "unlocked after the checkpoint": {"lock": "both", "unlock_after": 3, "ema": 0.5},
}


@cache
def shards() -> str:
    """Make a small set, once."""
    folder = Path(tempfile.mkdtemp(prefix="train-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(write_set(folder, train=2, valid=1, test=1))


@cache
def complete(name: str) -> Path:
    """Train a run with some options, once."""
    folder = Path(tempfile.mkdtemp(prefix="train-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fit(shards(), replace(RECIPE, **OPTIONS[name]), environment(folder))
    return folder / "run"


def saved(run: Path, step: int) -> dict:
    return load_checkpoint(run / f"step-{step:07}.pt")


def same(first: Any, second: Any) -> bool:
    """Return whether two values of a checkpoint are equal, their tensors to the bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(value, second[key]) for key, value in first.items())
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


@pytest.mark.parametrize("name", OPTIONS)
def test_a_resumed_run_ends_with_the_same_checkpoint(name, tmp_path):
    recipe, parted = replace(RECIPE, **OPTIONS[name]), environment(tmp_path)
    fit(shards(), replace(recipe, steps=2), parted)
    fit(shards(), recipe, parted, resume="yes")
    assert losses(parted.output) == losses(complete(name))
    for key in ("model", "optimizer", *(["ema"] if recipe.ema else [])):
        assert same(saved(parted.output, 4)[key], saved(complete(name), 4)[key])


def test_the_average_is_validated_saved_as_best_and_loaded():
    folder = complete("average and sigmoid")
    run, best, newest = load_run(folder, CPU), load_checkpoint(folder / "best.pt"), saved(folder, 4)
    assert same(best["model"], newest["ema"]) and same(dict(run.model.state_dict()), dict(newest["ema"]))
    assert not same(newest["ema"], newest["model"])
    logged = next(event["valid"] for event in read_log(folder) if "valid" in event)
    valid = FixedClips(find_shards(shards(), "valid"), run.model.fused, folder.parent / "cache")
    assert score(run.model, run.tokenizer, by_dataset(valid), run.recipe.context) == logged == best["scores"]


def test_without_a_best_checkpoint_the_average_of_the_last_is_loaded(tmp_path):
    folder = complete("average and sigmoid")
    for name in ("run.json", "tokenizer", "text", "step-0000003.pt"):
        (tmp_path / name).symlink_to(folder / name)
    assert same(dict(load_run(tmp_path, CPU).model.state_dict()), dict(saved(folder, 3)["ema"]))


def test_towers_change_from_the_step_on_at_which_they_are_unlocked():
    weights = [saved(complete("unlocked after the checkpoint"), step)["model"] for step in (1, 2, 3, 4)]
    for name in ("text_branch.encoder.layer.0.output.dense.weight", "audio_branch.layers.0.blocks.0.mlp.fc1.weight"):
        first, second, third, fourth = (each[name] for each in weights)
        assert torch.equal(first, second) and torch.equal(second, third) and not torch.equal(third, fourth)
    assert torch.equal(weights[0]["audio_branch.bn0.running_mean"], weights[2]["audio_branch.bn0.running_mean"])


def complete_and_parted(folder: str, set_folder: str) -> None:
    """Train on this rank without and with an interruption after the step at which a tower is unlocked."""
    recipe = replace(RECIPE, ema=0.9, loss="sigmoid", lock="text", unlock_after=1, valid_every=2)
    fit(set_folder, recipe, environment(Path(folder) / "complete"))
    fit(set_folder, replace(recipe, steps=2), environment(Path(folder) / "parted"))
    fit(set_folder, recipe, environment(Path(folder) / "parted"), resume="yes")


@pytest.mark.slow
def test_two_ranks_agree_after_a_tower_is_unlocked_and_resume_to_the_bit(tmp_path):
    on_two_ranks(complete_and_parted, str(tmp_path), shards())
    first, second = (tmp_path / name / "run" for name in ("complete", "parted"))
    assert losses(first) == losses(second)  # a resumed run has the weights of rank 0 on both: they had them before
    assert same(saved(first, 4), saved(second, 4))
