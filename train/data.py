"""Shards -> batches. What a step sees is a function of (seed, step): workers, ranks, shards and interruptions do not change it."""

import bisect
import hashlib
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerBase

from train.features import CLIP_FRAMES, SAMPLE_RATE, Features, clip_features, cut_start
from train.model import Batch
from train.problem import BadInput
from train.shards import Member, Shard, local_copy, members
from train.tokenizer import tokenize


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
        self.ends = list(itertools.accumulate(shard.n_samples for shard in shards))
        self.indexes: dict[int, list[Member]] = {}

    def __len__(self) -> int:
        return self.ends[-1]

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
        path, member = self.place(index)
        with path.open("rb") as file:
            file.seek(member.flac_at)
            flac = file.read(member.flac_size)
        text = self.text(index)
        rng = np.random.default_rng((self.seed, epoch, zlib.crc32(member.key.encode()))) if epoch >= 0 else None
        captions = choose_texts(text, self.texts)
        if not captions:
            raise BrokenSample(f"{member.key} in {path}: no text")
        caption = captions[int(rng.integers(len(captions)))] if rng else captions[0]
        try:
            waveform = decode(flac, self.fused, rng)
        except (ValueError, soundfile.LibsndfileError) as error:
            raise BrokenSample(f"{member.key} in {path}: {error}") from error
        return Example(
            member.key, str(path), clip_features(waveform, self.fused, rng), caption, tuple(captions), tuple(text.get("tag") or ())
        )

    def place(self, index: int) -> tuple[Path, Member]:
        """Say in which file a sample lies, and where; the shard's index is read when first needed."""
        shard = bisect.bisect_right(self.ends, index)
        if shard not in self.indexes:
            self.indexes[shard] = members(self.shards[shard], self.cache)
        within = index - (self.ends[shard - 1] if shard else 0)
        return local_copy(self.shards[shard], self.cache), self.indexes[shard][within]

    def text(self, index: int) -> dict:
        """Read the JSON of one sample."""
        path, member = self.place(index)
        with path.open("rb") as file:
            file.seek(member.json_at)
            try:
                return json.loads(file.read(member.json_size))
            except ValueError as error:
                raise BrokenSample(f"{member.key} in {path}: its JSON cannot be read: {error}") from error

    def all_captions(self) -> Iterator[str]:
        """Yield every caption that training may draw, without touching the audio."""
        for index in range(len(self)):
            try:
                yield from choose_texts(self.text(index), self.texts)
            except BrokenSample:
                continue  # named when its turn comes in training


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
    n_samples: int, batch: int, seed: int, first: int, last: int, rank: int = 0, world: int = 1
) -> Iterator[list[tuple[int, int]]]:
    """Yield for the steps first to last - 1 what this rank reads, as (epoch, index): its part of the step's part of the epoch's order."""
    per_epoch, own = n_samples // batch, batch // world
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
