"""Runs with a moving average, the sigmoid loss and towers that are unlocked: resumed to the bit, and what is scored and saved of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train_runs import CPU, TINY, environment, on_two_ranks, trained
from train.data.samples import FixedClips
from train.data.shards import find_shards
from train.evaluate import score
from train.fit import fit
from train.loop.checkpoint import last_checkpoint, load_checkpoint, load_run
from train.loop.log import read_log

# A warm-up of more steps than there are: the rates of a step do not depend on the number of steps, so a run of 2 is the start of one of 4.
RECIPE = replace(TINY, steps=4, valid_every=2, warmup=9, lr=2e-3, layer_decay=0.8, text_lr_factor=0.5)
OPTIONS: dict[str, dict[str, Any]] = {
    "average": {"ema": 0.9, "audio": "cnn14"},
    "sigmoid": {"loss": "sigmoid"},
    "unlocked before the checkpoint": {"lock": "text", "unlock_after": 1},
    "unlocked with the checkpoint": {"lock": "both", "unlock_after": 2, "ema": 0.5},
    "unlocked after the checkpoint": {"lock": "audio", "unlock_after": 3, "loss": "sigmoid"},
}


def same(first: Any, second: Any) -> bool:
    """Return whether two values of a checkpoint are equal, their tensors to the bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(value, second[key]) for key, value in first.items())
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_resumed_run_ends_with_the_same_checkpoint(options, tmp_path):
    shards, recipe = str(trained()[1]), replace(RECIPE, **options)
    complete, parted = environment(tmp_path / "complete"), environment(tmp_path / "parted")
    fit(shards, recipe, complete)
    fit(shards, replace(recipe, steps=2), parted)
    fit(shards, recipe, parted, resume="yes")
    for name in ("step-0000004.pt", "best.pt"):
        assert same(load_checkpoint(complete.output / name), load_checkpoint(parted.output / name))
    assert ("ema" in load_checkpoint(parted.output / "step-0000004.pt")) == bool(recipe.ema)


@pytest.fixture(scope="module")
def averaged(tmp_path_factory) -> Path:
    """Train a run whose average differs much from its weights."""
    folder = tmp_path_factory.mktemp("averaged")
    fit(str(trained()[1]), replace(RECIPE, ema=0.9, lr=1e-2), environment(folder))
    return folder / "run"


def test_the_average_is_validated_saved_as_best_and_loaded(averaged):
    run, saved = load_run(averaged, CPU), load_checkpoint(averaged / "best.pt")
    newest = load_checkpoint(averaged / f"step-{saved['step']:07}.pt")
    assert same(saved["model"], newest["ema"]) and same(dict(run.model.state_dict()), dict(newest["ema"]))
    assert not same(newest["ema"], newest["model"])
    logged = next(event["valid"] for event in read_log(averaged) if "valid" in event and event["step"] == saved["step"])
    valid = FixedClips(find_shards(str(trained()[1]), "valid"), run.model.fused, averaged.parent / "cache")
    assert score(run.model, run.tokenizer, valid, run.recipe.context) == logged == saved["scores"]


def test_without_a_best_checkpoint_the_average_of_the_last_is_loaded(averaged, tmp_path):
    last = last_checkpoint(averaged)
    assert last is not None
    for name in ("run.json", "tokenizer", "text", last.name):
        (tmp_path / name).symlink_to(averaged / name)
    assert same(dict(load_run(tmp_path, CPU).model.state_dict()), dict(load_checkpoint(last)["ema"]))


def test_a_tower_changes_from_the_step_on_at_which_it_is_unlocked(tmp_path):
    fit(str(trained()[1]), replace(RECIPE, lock="text", unlock_after=3, valid_every=1, keep=9), environment(tmp_path))
    checkpoints = [load_checkpoint(tmp_path / "run" / f"step-000000{step}.pt")["model"] for step in (1, 2, 3, 4)]
    text = [{name: x for name, x in weights.items() if name.startswith("text_branch.")} for weights in checkpoints]
    assert same(text[0], text[2]) and not same(text[2], text[3])
    dense = "text_branch.encoder.layer.0.output.dense.weight"
    assert not torch.equal(text[2][dense], text[3][dense])


def last_states(folder: str, shards: str) -> dict:
    """Train on this rank with everything; return its weights, its average and its saved checkpoint."""
    from train.loop.ranks import rank

    recipe = replace(RECIPE, ema=0.9, loss="sigmoid", lock="text", unlock_after=1, steps=3, valid_every=3)
    fit(shards, recipe, environment(Path(folder)))
    return load_checkpoint(Path(folder) / "run" / "step-0000003.pt") if rank() == 0 else {}


@pytest.mark.slow
def test_two_ranks_save_what_one_process_resumes(tmp_path):
    shards = str(trained()[1])
    saved, _ = on_two_ranks(last_states, str(tmp_path), shards)
    assert {"model", "ema", "optimizer"} <= saved.keys() and "logit_bias" in saved["model"]
