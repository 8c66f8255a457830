"""A small trained run that the tests of the trainer share, and work on two ranks."""

import atexit
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp

from tests.train_sets import write_set
from train.command import main
from train.fit import fit
from train.loop.log import read_log
from train.loop.ranks import join_ranks, leave_ranks
from train.recipe import load_recipe
from train.start import RunEnvironment

CPU = torch.device("cpu")
TINY = load_recipe("tiny", ["steps=6", "batch=4", "valid_every=3", "warmup=2"])


@cache
def trained() -> tuple[Path, Path]:
    """Make a small set and train on it, once for all tests of a process. Return the folders of the run and of the set."""
    folder = Path(tempfile.mkdtemp(prefix="train-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fit(str(write_set(folder / "set")), TINY, environment(folder))
    return folder / "run", folder / "set"


def environment(folder: Path, lines: list[str] | None = None) -> RunEnvironment:
    """Return an environment on the CPU whose run is `folder`/run. Reported lines are appended to `lines`."""
    return RunEnvironment(folder / "run", folder / "cache", CPU, (lines if lines is not None else []).append)


def call(*words: object) -> tuple[int, str, str]:
    """Run a command line. Return its exit code, its output and its errors."""
    lines: list[str] = []
    errors: list[str] = []
    code = main([str(w) for w in words], lines.append, errors.append)
    return code, "\n".join(lines), "\n".join(errors)


def losses(run: Path) -> list[float]:
    """Return the training losses in a run's log."""
    return [event["loss"] for event in read_log(run) if "loss" in event]


def on_two_ranks(work: Callable[..., Any], *arguments: object) -> list[Any]:
    """Call work(*arguments) in two processes that train together, and return what each returned.

    The processes are forked from one that has imported the trainer already: importing it twice would take most of the time.
    """
    with socket.socket() as listener, tempfile.TemporaryDirectory() as folder:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        mp.get_context("forkserver").set_forkserver_preload(["train.fit"])
        mp.start_processes(_on_rank, (port, folder, work, arguments), nprocs=2, start_method="forkserver")
        return [torch.load(Path(folder) / f"{rank}.pt") for rank in (0, 1)]


def _on_rank(rank: int, port: int, folder: str, work: Callable[..., Any], arguments: tuple) -> None:
    """Join the other process as one started by torchrun does, work, and save the result."""
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    join_ranks(CPU)
    torch.save(work(*arguments), Path(folder) / f"{rank}.pt")
    leave_ranks()
