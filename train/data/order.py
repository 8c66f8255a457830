"""Choose which samples a step reads. It depends on (seed, step) alone, not on workers, ranks or interruptions."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from train.data.shards import Shard
from train.errors import BadInput

Pair = tuple[int, int]
"""(round, index): a sample, and how many times each sample of its dataset was read before. Captions and cuts are drawn by both."""


@dataclass(frozen=True)
class Portion:
    """The samples of a dataset, from number `start` on, and how many of them an epoch reads. n_read may be more than n_samples."""

    start: int
    n_samples: int
    n_read: int


def dataset_portions(shards: Sequence[Shard]) -> tuple[list[Portion], list[str]]:
    """Return all samples of each dataset, and the names of the datasets, in the order of the shards."""
    parts, names, start = [], [], 0
    for dataset, some in itertools.groupby(shards, lambda shard: shard.dataset):
        n_samples = sum(shard.n_samples for shard in some)
        parts.append(Portion(start, n_samples, n_samples))
        names.append(dataset)
        start += n_samples
    return parts, names


def portions(shards: Sequence[Shard], weights: Mapping[str, float]) -> list[Portion]:
    """Return what an epoch reads of each dataset: each sample `weight` times on average, once where no weight is given.

    Without weights all samples are one portion. Raise BadInput for a weight of a dataset that does not exist, or if all are 0.
    """
    total = sum(shard.n_samples for shard in shards)
    if not weights:
        return [Portion(0, total, total)]
    parts, names = dataset_portions(shards)
    if unknown := sorted(set(weights) - set(names)):
        raise BadInput(f"dataset_weights names {', '.join(unknown)}, which the training shards do not have; they have {', '.join(names)}")
    weighted = [replace(part, n_read=round(part.n_samples * weights.get(name, 1.0))) for part, name in zip(parts, names, strict=True)]
    if not any(part.n_read for part in weighted):
        raise BadInput("dataset_weights leaves no sample to train on; at least one weight has to be more than 0")
    return weighted


def epoch_order(parts: Sequence[Portion], seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of an epoch in their order: their rounds and their numbers, both (n_read,) int64.

    The samples of a dataset come round after round, each round in an order of its own, whatever the epochs: of a dataset of
    weight 0.25, four epochs read each sample once.

    >>> [index.tolist() for index in epoch_order([Portion(0, 4, 2)], seed=0, epoch=0)]
    [[0, 0], [2, 0]]
    """
    rounds, indices = zip(*(_portion_order(part, number, seed, epoch) for number, part in enumerate(parts)), strict=True)
    if len(parts) == 1:
        return rounds[0], indices[0]
    mixed = np.random.default_rng((seed, epoch, len(parts))).permutation(sum(map(len, indices)))
    return np.concatenate(rounds)[mixed], np.concatenate(indices)[mixed]


def _portion_order(part: Portion, number: int, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    first, last = epoch * part.n_read, (epoch + 1) * part.n_read
    rounds = range(first // part.n_samples, -(-last // part.n_samples))
    key = (number,) if number else ()
    permuted = [np.random.default_rng((seed, round_, *key)).permutation(part.n_samples) for round_ in rounds]
    positions = np.arange(first, last)
    if not len(positions):
        return positions, positions
    return positions // part.n_samples, part.start + np.concatenate(permuted)[positions - rounds.start * part.n_samples]


def samples_of_steps(
    parts: Sequence[Portion], batch: int, seed: int, first: int, last: int, rank: int = 0, world_size: int = 1
) -> Iterator[list[Pair]]:
    """Yield the pairs that a rank reads, for each step from first to last - 1.

    A step takes the next `batch` samples of its epoch; each rank takes an equal share. The rest of an epoch, smaller than a batch, is
    left out. One epoch is in memory at a time: 16 bytes a sample.

    >>> [len(pairs) for pairs in samples_of_steps([Portion(0, 10, 10)], batch=4, seed=0, first=0, last=3, rank=1, world_size=2)]
    [2, 2, 2]
    """
    per_epoch, own = steps_per_epoch(parts, batch), batch // world_size
    for epoch, steps in itertools.groupby(range(first, last), lambda step: step // per_epoch):
        rounds, indices = epoch_order(parts, seed, epoch)
        for step in steps:
            chosen = slice(start := step % per_epoch * batch + rank * own, start + own)
            yield list(zip(rounds[chosen].tolist(), indices[chosen].tolist(), strict=True))


def steps_per_epoch(parts: Sequence[Portion], batch: int) -> int:
    """Return how many batches an epoch has."""
    return sum(part.n_read for part in parts) // batch
