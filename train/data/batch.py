"""Batches: which samples a step reads, and how examples are joined. Both depend on (seed, step) alone, not on workers or ranks."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerBase

from train.data.samples import Clips, Example
from train.loop.signals import ignore_interrupts
from train.towers.model import Batch
from train.towers.tokenizer import tokenize


def samples_of_steps(
    n_samples: int, batch: int, seed: int, first: int, last: int, rank: int = 0, world_size: int = 1
) -> Iterator[list[tuple[int, int]]]:
    """Yield the (epoch, index) pairs that a rank reads, for each step from first to last - 1.

    Each epoch has its own permutation of the samples. A step takes the next `batch` of them; each rank takes an equal share.

    >>> [len(pairs) for pairs in samples_of_steps(n_samples=10, batch=4, seed=0, first=0, last=3, rank=1, world_size=2)]
    [2, 2, 2]
    """
    per_epoch, own = n_samples // batch, batch // world_size
    for epoch, steps in itertools.groupby(range(first, last), lambda step: step // per_epoch):
        permutation = np.random.default_rng((seed, epoch)).permutation(n_samples)
        for step in steps:
            start = step % per_epoch * batch + rank * own
            yield [(epoch, int(index)) for index in permutation[start : start + own]]


@dataclass(frozen=True)
class Collate:
    """Join examples into a Batch. Text is padded to the longest caption of the batch and cut at `context` tokens."""

    tokenizer: PreTrainedTokenizerBase
    context: int

    def __call__(self, examples: list[Example]) -> Batch:
        ids, mask = tokenize(self.tokenizer, [e.caption for e in examples], self.context)
        return Batch(
            mel=torch.stack([e.features.mel for e in examples]),
            longer=torch.tensor([e.features.longer for e in examples]),
            ids=ids,
            mask=mask,
            caption=torch.tensor([text_id(e.caption) for e in examples]),
            keys=tuple(e.key for e in examples),
            broken=tuple(message for e in examples for message in e.broken),
        )


def text_id(text: str) -> int:
    """Return 63 bits of a hash of a text. Case and spaces at the ends do not matter.

    >>> text_id("A dog ") == text_id("a dog")
    True
    """
    return int.from_bytes(hashlib.blake2b(text.strip().lower().encode(), digest_size=8).digest()) >> 1


def train_loader(clips: Clips, plan: Iterable[list[tuple[int, int]]], collate: Collate, workers: int) -> DataLoader:
    """Read the planned batches in their order. With workers, they are read ahead of time."""
    return DataLoader(
        clips,
        batch_sampler=list(plan),
        collate_fn=collate,
        num_workers=workers,
        generator=torch.Generator(),
        worker_init_fn=ignore_interrupts,
    )
