"""Complete runs on two ranks: their log is that of one, and checkpoints resume with other ranks and with another `parallel`."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.train_runs import TINY, environment, losses, on_two_ranks, trained
from train.errors import BadInput
from train.fit import fit, folder_lock
from train.loop.checkpoint import checkpoints, load_checkpoint
from train.loop.log import flatten, read_log
from train.loop.speed import MEASURED
from train.recipe import TrainRecipe
from train.start import Resume

RECIPE = replace(TINY, steps=4, valid_every=2, warmup=1, keep=3)
LOCKED = replace(RECIPE, lock="both")  # nothing is dropped then, so that ranks draw no noise
AVERAGED = replace(RECIPE, ema=0.9, lock="text", unlock_after=1, loss="sigmoid", clip_norm=1.0)


def train(shards: str, output: Path, recipe: TrainRecipe, resume: Resume = "no") -> list[str]:
    """Train a run in output/run. Return the lines that were reported."""
    lines: list[str] = []
    fit(shards, recipe, environment(output, lines), resume)
    return lines


def on_each_rank(shards: str, folder: Path) -> list[str]:
    """Train three runs: without noise; with copies of the model; and with copies for two steps, then with shares of it."""
    lines = train(shards, folder / "two", LOCKED)
    train(shards, folder / "copies", AVERAGED)
    train(shards, folder / "mixed", replace(AVERAGED, steps=2))
    train(shards, folder / "mixed", replace(AVERAGED, parallel="fsdp"), "yes")
    return lines


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the folder of the runs, and the lines that each rank reported in the first."""
    folder, shards = tmp_path_factory.mktemp("runs"), str(trained()[1])
    lines = on_two_ranks(on_each_rank, shards, folder)
    train(shards, folder / "one", LOCKED)
    return folder, lines


def flat_log(run: Path) -> dict[tuple[int, str], float]:
    """Return every number of a run's log but what depends on the machine."""
    return {(e["step"], name): value for e in read_log(run) for name, value in flatten(e).items() if name not in MEASURED}


def test_two_ranks_leave_one_run_whose_log_is_that_of_one(runs):
    folder, lines = runs
    first, second = (flat_log(folder / name / "run") for name in ("one", "two"))
    assert first.keys() == second.keys() and len(first) > 20
    assert second == pytest.approx(first, abs=1e-4)
    assert lines[0][0].startswith("16 clips, 4 steps of 4") and lines[1] == []
    assert [load_checkpoint(path)["step"] for path in checkpoints(folder / "two" / "run")] == [2, 4]


def test_one_rank_resumes_the_run_of_two(runs, tmp_path):
    folder, _ = runs
    shutil.copytree(folder / "two" / "run", tmp_path / "run")
    checkpoints(tmp_path / "run")[-1].unlink()
    train(str(trained()[1]), tmp_path, LOCKED, "yes")
    assert flat_log(tmp_path / "run") == pytest.approx(flat_log(folder / "one" / "run"), abs=1e-4)


def test_shares_of_the_model_resume_a_run_of_copies_with_its_losses_scores_and_weights(runs):
    copies, mixed = (runs[0] / name / "run" for name in ("copies", "mixed"))
    assert losses(mixed) == pytest.approx(losses(copies), abs=1e-5) and len(losses(mixed)) == 4
    assert flat_log(mixed) == pytest.approx(flat_log(copies), abs=1e-4)
    expected, saved = (load_checkpoint(checkpoints(run)[-1]) for run in (copies, mixed))
    assert expected.keys() == saved.keys() and expected["optimizer"].keys() == saved["optimizer"].keys()
    for part in ("model", "ema"):
        assert all(torch.allclose(x.float(), saved[part][name].float(), atol=1e-4) for name, x in expected[part].items())
    for name, state in expected["optimizer"].items():
        assert state["step"] == saved["optimizer"][name]["step"]
        assert torch.allclose(state["exp_avg"], saved["optimizer"][name]["exp_avg"], atol=1e-5)


def test_one_rank_resumes_a_run_of_shares(runs, tmp_path):
    shutil.copytree(runs[0] / "mixed" / "run", tmp_path / "run")
    train(str(trained()[1]), tmp_path, replace(AVERAGED, steps=5), "yes")
    assert len(losses(tmp_path / "run")) == 5
    assert load_checkpoint(tmp_path / "run" / "best.pt")["model"]["audio_projection.0.weight"].shape == (512, 192)


def refused(folder: str) -> str:
    try:
        with folder_lock(Path(folder)):
            return ""
    except BadInput as error:
        return str(error)


def test_a_folder_in_which_another_process_trains_is_refused_on_all_ranks(tmp_path):
    with folder_lock(tmp_path):
        messages = on_two_ranks(refused, str(tmp_path))
    assert ["another process trains in" in message for message in messages] == [True, True]
