"""Join examples into batches, and read them in a given order."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerBase

from train.data.samples import Clips, Example
from train.errors import Stopped
from train.loop.signals import ignore_interrupts
from train.towers.model import Batch
from train.towers.tokenizer import tokenize


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
    """Read the planned batches in their order. With workers, they are read ahead of time.

    plan: the samples of each step, which are asked for as they are needed: the order of a long run takes no memory.
    """
    return DataLoader(
        clips,
        batch_sampler=plan,
        collate_fn=collate,
        num_workers=workers,
        generator=torch.Generator(),
        worker_init_fn=ignore_interrupts,
    )


def read_batches(loader: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the batches of a loader. Raise Stopped by its message alone: to that of a worker PyTorch adds the traceback."""
    try:
        yield from loader
    except Stopped as error:
        raise Stopped(str(error).rstrip().splitlines()[-1].removeprefix(f"{Stopped.__module__}.{Stopped.__name__}: ")) from error
