"""Which samples a step reads."""

from collections import Counter

import numpy as np
import pytest

from train.data.order import Portion, epoch_order, portions, samples_of_steps
from train.data.shards import Shard
from train.errors import BadInput

SHARDS = [Shard("a/0.tar", 5, "", "A"), Shard("a/1.tar", 3, "", "A"), Shard("b/0.tar", 6, "", "B"), Shard("c/0.tar", 4, "", "C")]


def all_of(n):
    return [Portion(0, n, n)]


def test_each_epoch_has_every_sample_once_in_an_order_of_its_own():
    steps = list(samples_of_steps(all_of(10), 5, seed=1, first=0, last=4))
    epochs = [[i for step in steps[:2] for _, i in step], [i for step in steps[2:] for _, i in step]]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
    assert epochs[0] != epochs[1]  # the reference repeats the same batches each epoch
    assert [{epoch for epoch, _ in step} for step in steps] == [{0}, {0}, {1}, {1}]


def test_an_incomplete_batch_is_left_out_and_the_next_epoch_begins():
    steps = list(samples_of_steps(all_of(11), 3, seed=1, first=0, last=4))
    assert [len(step) for step in steps] == [3, 3, 3, 3]
    assert [step[0][0] for step in steps] == [0, 0, 0, 1]
    assert len({i for step in steps[:3] for _, i in step}) == 9


def test_the_plan_can_begin_at_any_step():
    assert list(samples_of_steps(all_of(11), 3, 1, 0, 9))[4:] == list(samples_of_steps(all_of(11), 3, 1, 4, 9))


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_take_equal_shares_of_each_step(world_size):
    alone = list(samples_of_steps(all_of(18), 8, 3, 0, 5))
    shares = [list(samples_of_steps(all_of(18), 8, 3, 0, 5, rank, world_size)) for rank in range(world_size)]
    assert [[pair for share in step for pair in share] for step in zip(*shares, strict=True)] == alone
    assert {len(step) for share in shares for step in share} == {8 // world_size}


def test_another_seed_gives_another_order():
    assert list(samples_of_steps(all_of(20), 4, 1, 0, 5)) != list(samples_of_steps(all_of(20), 4, 2, 0, 5))


def read(weights, epochs, seed=1):
    """Return how often each dataset and each sample was read in some epochs."""
    indices = np.concatenate([epoch_order(portions(SHARDS, weights), seed, epoch)[1] for epoch in range(epochs)])
    return Counter("AAAAAAAABBBBBBCCCC"[i] for i in indices), Counter(indices.tolist())


def test_an_epoch_reads_each_dataset_by_its_weight():
    assert read({}, 1)[0] == read({"A": 1}, 1)[0] == {"A": 8, "B": 6, "C": 4}
    assert read({"A": 0.5, "B": 2, "C": 0}, 1)[0] == {"A": 4, "B": 12}
    assert read({"B": 1.5}, 2)[0] == {"A": 16, "B": 18, "C": 8}


def test_no_sample_is_read_twice_more_often_than_another_of_its_dataset():
    counts = read({"A": 0.25, "B": 2.5}, 4)[1]
    assert [counts[i] for i in range(18)] == [1] * 8 + [10] * 6 + [4] * 4
    counts = read({"A": 0.3}, 7)[1]
    assert {counts[i] for i in range(8)} <= {1, 2}


def test_a_sample_read_twice_in_an_epoch_is_drawn_anew():
    rounds, indices = epoch_order(portions(SHARDS, {"B": 2}), 1, 3)
    assert {(int(r), int(i)) for r, i in zip(rounds, indices, strict=True) if 8 <= i < 14} == {(r, i) for r in (6, 7) for i in range(8, 14)}
    assert set(rounds[indices < 8]) == {3}


def test_weighted_datasets_are_mixed():
    _, indices = epoch_order(portions(SHARDS, {"A": 3, "B": 3}), 0, 0)
    assert {"AAAAAAAABBBBBBCCCC"[i] for i in indices[:8]} >= {"A", "B"} <= {"AAAAAAAABBBBBBCCCC"[i] for i in indices[-8:]}


def test_a_weighted_run_can_begin_at_any_step_on_any_rank():
    parts = portions(SHARDS, {"A": 0.4, "B": 1.7})
    steps = list(samples_of_steps(parts, 4, 2, 0, 20))
    assert list(samples_of_steps(parts, 4, 2, 7, 20)) == steps[7:]
    shares = [list(samples_of_steps(parts, 4, 2, 0, 20, rank, 2)) for rank in (0, 1)]
    assert [first + second for first, second in zip(*shares, strict=True)] == steps


def test_without_weights_the_order_is_one_permutation_of_all_samples():
    rounds, indices = epoch_order(portions(SHARDS, {}), 9, 2)
    assert indices.tolist() == np.random.default_rng((9, 2)).permutation(18).tolist()
    assert set(rounds) == {2}


@pytest.mark.parametrize(
    ("weights", "message"), [({"D": 1}, "names D, which .* they have A, B, C"), (dict.fromkeys("ABC", 0), "no sample")]
)
def test_weights_that_cannot_be_kept_are_bad_input(weights, message):
    with pytest.raises(BadInput, match=message):
        portions(SHARDS, weights)


def test_the_order_of_a_long_run_is_not_made_before_it_is_read():
    steps = samples_of_steps(all_of(10**6), 1000, 0, 10**9, 10**12)
    assert len(next(steps)) == 1000
