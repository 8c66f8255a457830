"""Shards -> batches. What a step sees is a function of (seed, step): workers, ranks, shards and interruptions do not change it."""

import hashlib
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import repeat
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from train.data.ranges import FAILURES, reason
from train.data.shards import Shard, members, read, read_sample
from train.errors import BadInput
from train.towers.features import CLIP_FRAMES, SAMPLE_RATE, Features, clip_features, cut_start
from train.towers.model import Batch
from train.towers.tokenizer import tokenize

AT_ONCE = 32  # indexes of shards that are made at a time


@dataclass(frozen=True)
class Example:
    """One clip ready for the model; caption is drawn from captions; broken: the samples it stands in for, with why."""

    key: str
    path: str
    features: Features
    caption: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    broken: tuple[str, ...] = ()


class BrokenSample(ValueError):
    """This sample cannot be used; the message says which and why."""


class Clips(Dataset):
    """All samples of some shards; item (epoch, index) draws caption and cuts by (seed, epoch, key), epoch -1 always the same way."""

    def __init__(self, shards: list[Shard], fused: bool, cache: Path, texts: str = "text", seed: int = 0):
        self.shards, self.fused, self.cache, self.texts, self.seed = shards, fused, cache, texts, seed
        with ThreadPoolExecutor(AT_ONCE) as pool:  # the index of a remote shard takes as many requests as it has samples
            indexes = tqdm(pool.map(members, shards, repeat(cache)), "index", len(shards), leave=False, disable=None)
            self.places = [(shard, member) for shard, listed in zip(shards, indexes, strict=True) for member in listed]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, item: tuple[int, int]) -> Example:
        """Return the example; in training a broken one is replaced by one from half an epoch away, which names it."""
        epoch, index = item
        broken: list[str] = []
        while True:
            try:
                example = self.example(epoch, (index + len(broken) * (len(self) // 2 + 1)) % len(self))
                return replace(example, broken=tuple(broken))
            except BrokenSample as error:
                broken.append(str(error))
                if len(broken) > 20:
                    raise BadInput(f"more than 20 samples in a row are broken, the last: {error}") from error

    def example(self, epoch: int, index: int) -> Example:
        """Read one sample."""
        shard, member = self.places[index]
        rng = np.random.default_rng((self.seed, epoch, zlib.crc32(member.key.encode()))) if epoch >= 0 else None
        try:
            flac, text = read_sample(shard, member, self.cache)
            sample = json.loads(text)
            captions = choose_texts(sample, self.texts)
            if not captions:
                raise ValueError("no text")
            caption = captions[int(rng.integers(len(captions)))] if rng else captions[0]
            features = clip_features(decode(flac, self.fused, rng), self.fused, rng)
        except (ValueError, soundfile.LibsndfileError, *FAILURES) as error:
            raise BrokenSample(f"{member.key} in {shard.address}: {reason(error)}") from error
        return Example(member.key, shard.address, features, caption, tuple(captions), tuple(sample.get("tag") or ()))

    def texts_alone(self) -> Iterator[dict]:
        """Yield the JSON of every sample, without touching the audio; unreadable ones are named when their turn comes."""
        for shard, member in self.places:
            with suppress(ValueError, *FAILURES):
                yield json.loads(read(shard, member.json_at, member.json_size, self.cache))

    def all_captions(self) -> Iterator[str]:
        """Yield every caption that training may draw."""
        for sample in self.texts_alone():
            yield from choose_texts(sample, self.texts)

    def tags(self) -> list[tuple[str, ...]]:
        """Return the tags of every readable sample."""
        return [tuple(sample.get("tag") or ()) for sample in self.texts_alone()]


class FixedClips(Clips):
    """Clips for evaluation: item index is always cut in the same way, and a broken one is reported instead of replaced."""

    def __getitem__(self, index: int) -> Example | str:  # type: ignore[override]
        try:
            return self.example(-1, index)
        except BrokenSample as error:
            return str(error)


def choose_texts(sample: dict, texts: str) -> list[str]:
    """Pick the captions as the reference trainer does: text, text_augment_all, or only T5's where there is one.

    >>> choose_texts({"text": ["a"], "text_augment_all": ["a", "b"], "text_augment_t5": "b"}, "augment_only")
    ['b']
    """
    source = {"text": "text", "all": "text_augment_all", "augment_only": "text_augment_t5"}[texts]
    chosen = sample.get(source) or sample.get("text") or []
    return [chosen] if isinstance(chosen, str) else list(chosen)


def decode(flac: bytes, fused: bool, rng: np.random.Generator | None) -> Tensor:
    """Decode mono 48 kHz; without fusion only the 10 s that are used are read."""
    with soundfile.SoundFile(BytesIO(flac)) as file:
        if (file.samplerate, file.channels) != (SAMPLE_RATE, 1):
            raise ValueError(f"{file.samplerate} Hz and {file.channels} channels, shards hold {SAMPLE_RATE} Hz and 1")
        wanted = file.frames if fused else min(file.frames, CLIP_FRAMES)
        if not fused:
            file.seek(cut_start(file.frames, rng))
        waveform = file.read(wanted, dtype="float32")
    if len(waveform) < max(wanted, 1):
        raise ValueError(f"{len(waveform)} of {wanted} frames could be decoded")
    return torch.from_numpy(waveform)


def batch_plan(
    n_samples: int, batch: int, seed: int, first: int, last: int, rank: int = 0, world_size: int = 1
) -> Iterator[list[tuple[int, int]]]:
    """Yield for the steps first to last - 1 what this rank reads, as (epoch, index): its part of the step's part of the epoch's order."""
    per_epoch, own = n_samples // batch, batch // world_size
    for epoch, steps in itertools.groupby(range(first, last), lambda step: step // per_epoch):
        order = np.random.default_rng((seed, epoch)).permutation(n_samples)
        for step in steps:
            start = step % per_epoch * batch + rank * own
            yield [(epoch, int(index)) for index in order[start : start + own]]


@dataclass(frozen=True)
class Collate:
    """Examples -> Batch, with text padded to the longest caption of the batch."""

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
            broken=tuple(name for e in examples for name in e.broken),
        )


def text_id(text: str) -> int:
    """Return a number that equal texts share: 63 bits of a hash."""
    return int.from_bytes(hashlib.blake2b(text.strip().lower().encode(), digest_size=8).digest()) >> 1


def train_loader(clips: Clips, plan: Iterable[list[tuple[int, int]]], collate: Collate, workers: int) -> DataLoader:
    """Read the planned batches, in order, ahead of time if there are workers."""
    return DataLoader(clips, batch_sampler=list(plan), collate_fn=collate, num_workers=workers, generator=torch.Generator())
