"""Checkpoints: written, read, and rejected if they do not fit."""

import resource
import shutil

import pytest
import torch

from tests.train_runs import trained
from train.errors import BadInput
from train.export import export
from train.fit import folder_lock
from train.hub.model_card import CardFacts
from train.loop.checkpoint import checkpoints, delete_old, load_checkpoint, load_run, load_weights, read_run, save_checkpoint, start_run

CPU = torch.device("cpu")


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path):
    save_checkpoint(tmp_path / "best.pt", {"model": {}, "step": 1})
    with pytest.raises((AttributeError, TypeError, RuntimeError)):
        save_checkpoint(tmp_path / "best.pt", {"model": lambda: 0, "step": 2})
    assert load_checkpoint(tmp_path / "best.pt")["step"] == 1


def test_only_the_newest_are_kept(tmp_path):
    for step in range(1, 6):
        save_checkpoint(tmp_path / f"step-{step:07}.pt", {"model": {}, "step": step})
    delete_old(tmp_path, 2)
    assert [load_checkpoint(p)["step"] for p in checkpoints(tmp_path)] == [4, 5]


def test_a_run_is_loaded_in_evaluation_mode():
    run = load_run(trained()[0], CPU)
    assert not run.model.training
    assert run.recipe.steps == 6


def test_without_a_best_checkpoint_the_last_is_used(tmp_path):
    shutil.copytree(trained()[0], tmp_path / "run")
    (tmp_path / "run" / "best.pt").unlink()
    assert load_run(tmp_path / "run", CPU).step == 6
    for path in checkpoints(tmp_path / "run"):
        path.unlink()
    with pytest.raises(BadInput, match="no checkpoint yet"):
        load_run(tmp_path / "run", CPU)


def test_a_folder_without_a_run_says_how_to_make_one(tmp_path):
    with pytest.raises(BadInput, match="fit SHARDS --output"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04"])
def test_other_files_are_bad_input(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(BadInput, match="no readable checkpoint"):
        load_checkpoint(tmp_path / "x.pt")


def test_a_checkpoint_never_runs_code(tmp_path):
    torch.save({"model": print, "step": 1}, tmp_path / "x.pt")
    with pytest.raises(BadInput, match="no readable checkpoint"):
        load_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize("content", [{"weights": {}}, {"model": {}}, {"model": 3, "step": 1}, {"model": {}, "step": "1"}, [1]])
def test_a_checkpoint_of_another_layout_is_bad_input(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(BadInput, match="another layout"):
        load_checkpoint(tmp_path / "x.pt")


def test_a_checkpoint_of_another_model_is_bad_input():
    model = load_run(trained()[0], CPU).model
    weights = model.state_dict()
    with pytest.raises(BadInput, match=r"1 names or shapes differ, the first is logit_scale_a"):
        load_weights(model, {**weights, "logit_scale_a": torch.zeros(2)}, "x.pt")
    del weights["audio_branch.bn0.bias"]
    with pytest.raises(BadInput, match=r"the first is audio_branch.bn0.bias"):
        load_weights(model, weights, "x.pt")


@pytest.fixture
def small_files():
    """Let no file grow beyond 1 kB, as on a full disk."""
    trained()  # writes larger ones
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_disk_without_room_is_an_error_that_names_the_checkpoint(tmp_path):
    with pytest.raises(OSError, match=r"too large: .*x\.pt"):
        save_checkpoint(tmp_path / "x.pt", {"model": torch.zeros(10_000), "step": torch.zeros(1000)})
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_an_error_when_a_run_starts_or_is_exported(tmp_path, small_files):
    run = load_run(trained()[0], torch.device("cpu"))
    with pytest.raises(OSError, match="run cannot be written: File too large"):
        start_run(tmp_path / "run", run.recipe, run.model, run.tokenizer, "", "")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    with pytest.raises(OSError, match=r"out cannot be written: .*File too large"):
        export(run, tmp_path / "out", CardFacts())


def test_checkpoints_are_in_the_order_of_their_steps(tmp_path):
    for step in (9_999_999, 10_000_000, 1):
        (tmp_path / f"step-{step:07}.pt").touch()
    assert [int(path.stem[5:]) for path in checkpoints(tmp_path)] == [1, 9_999_999, 10_000_000]


def test_a_checkpoint_that_was_not_written_completely_is_deleted_when_the_run_goes_on(tmp_path):
    (tmp_path / ".x.part").mkdir()
    (tmp_path / ".x.part" / "step-0000001.pt").touch()
    (tmp_path / "step-0000001.pt").touch()
    with folder_lock(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "step-0000001.pt"]
