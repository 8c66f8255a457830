"""Collective operations, on two ranks and on one."""

import time
from pathlib import Path

import pytest
import torch

from tests.train_runs import CPU, on_two_ranks
from train.errors import BadInput, NotFinite
from train.loop.ranks import all_gather, all_reduce_mean, barrier, gather_results, join_ranks, leave_ranks, rank, world_size


def fail(error: Exception) -> None:
    raise error


def work(folder: str) -> dict:
    """Use every operation once."""
    own = rank()
    x = torch.tensor([[1.0 + own, 2.0]], requires_grad=True)
    gathered = all_gather(x)
    (gathered * torch.tensor([[1.0, 10.0], [100.0, 1000.0]]) * (own + 1)).sum().backward()
    averaged = [torch.full((2, 3), float(own)), torch.tensor(4.0 * own)]
    all_reduce_mean(averaged)
    all_reduce_mean([])
    if own == 1:
        time.sleep(0.3)
        (Path(folder) / "late").touch()
    barrier()
    waited = (Path(folder) / "late").exists()
    counts = (own, world_size())
    results = gather_results(lambda: {"rank": own})
    errors = []
    for fault in (BadInput("clip a"), NotFinite("clip b"), InterruptedError("stopped")):
        try:
            gather_results(lambda fault=fault: fail(fault) if own == 1 else "done")
        except (BadInput, NotFinite, OSError) as error:
            errors.append(f"{type(error).__name__}: {error}")
    return {
        "results": results,
        "errors": errors,
        "counts": counts,
        "gathered": gathered.detach(),
        "gradient": x.grad,
        "averaged": averaged,
        "waited": waited,
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return on_two_ranks(work, str(tmp_path_factory.mktemp("ranks")))


def test_each_rank_has_its_number(results):
    assert [result["counts"] for result in results] == [(0, 2), (1, 2)]


def test_all_ranks_gather_the_same_rows_in_the_order_of_ranks(results):
    assert all(result["gathered"].tolist() == [[1.0, 2.0], [2.0, 2.0]] for result in results)


def test_the_gradient_of_gathered_rows_is_the_sum_over_ranks_on_their_own_rank(results):
    assert [result["gradient"].tolist() for result in results] == [[[3.0, 30.0]], [[300.0, 3000.0]]]


def test_results_of_all_ranks_reach_all_ranks(results):
    assert [result["results"] for result in results] == [[{"rank": 0}, {"rank": 1}]] * 2


def test_an_error_of_one_rank_is_raised_on_all_so_that_none_waits(results):
    assert [result["errors"] for result in results] == [["BadInput: clip a", "NotFinite: clip b", "InterruptedError: stopped"]] * 2


def test_the_mean_over_ranks_replaces_tensors_of_every_dimension(results):
    for matrix, number in (result["averaged"] for result in results):
        assert torch.equal(matrix, torch.full((2, 3), 0.5)) and number == 2.0


def test_a_barrier_waits_for_the_last_rank(results):
    assert all(result["waited"] for result in results)


def test_one_process_alone_has_rank_0_and_changes_nothing(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    x = torch.ones(2)
    join_ranks(CPU)
    barrier()
    all_reduce_mean([x])
    leave_ranks()
    assert (rank(), world_size()) == (0, 1)
    assert gather_results(lambda: 3) == [3]
    assert all_gather(x) is x and torch.equal(x, torch.ones(2))
