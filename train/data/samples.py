"""Samples of shards: read, decode, and turn into examples. What is random depends on (seed, epoch, key) alone."""

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset
from tqdm import tqdm

from train.data.decode import decode
from train.data.ranges import FAILURES, first_line
from train.data.sample_text import SampleText, read_text
from train.data.shards import Shard, list_members, read_range, read_sample
from train.errors import BadInput
from train.towers.features import Features, clip_features

INDEX_THREADS = 32  # indexes of shards that are made at the same time
LOUDEST = 1e3  # of full scale: 60 dB above what a file of integers can hold
MOST_BROKEN = 20  # broken samples in a row, after which training stops


@dataclass(frozen=True)
class Example:
    """One clip, ready for the model.

    caption: drawn from captions. path: the shard or the file. broken: messages about the samples that this one replaces.
    """

    key: str
    path: str
    features: Features
    caption: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    broken: tuple[str, ...] = ()


class BrokenSample(ValueError):
    """The sample cannot be used. The message names the sample and the reason."""


class Clips(Dataset):
    """All samples of some shards, for training.

    Item (epoch, index): caption and cuts are drawn by (seed, epoch, key). Epoch -1 takes the first caption and the middle cuts.
    """

    def __init__(self, shards: list[Shard], fused: bool, cache: Path, texts: str = "text", seed: int = 0):
        self.shards, self.fused, self.cache, self.texts, self.seed = shards, fused, cache, texts, seed
        with ThreadPoolExecutor(INDEX_THREADS) as pool:  # the index of a remote shard takes as many requests as it has samples
            indexes = tqdm(pool.map(list_members, shards, repeat(cache)), "index", len(shards), leave=False, disable=None)
            self.samples = [(shard, member) for shard, members in zip(shards, indexes, strict=True) for member in members]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, item: tuple[int, int]) -> Example:
        """Return an example. A broken sample is replaced by the sample half an epoch away, which carries the message."""
        epoch, index = item
        broken: list[str] = []
        while True:
            try:
                example = self.example(epoch, (index + len(broken) * (len(self) // 2 + 1)) % len(self))
                return replace(example, broken=tuple(broken))
            except BrokenSample as error:
                broken.append(str(error))
                if len(broken) > MOST_BROKEN:
                    raise BadInput(f"more than {MOST_BROKEN} samples in a row are broken, the last: {error}") from error

    def example(self, epoch: int, index: int) -> Example:
        """Read one sample. Raise BrokenSample if it cannot be used."""
        shard, member = self.samples[index]
        rng = np.random.default_rng((self.seed, epoch, zlib.crc32(member.key.encode()))) if epoch >= 0 else None
        try:
            flac, data = read_sample(shard, member, self.cache)
            captions, tags = read_text(data, self.texts)
            caption = captions[int(rng.integers(len(captions)))] if rng else captions[0]
            features = clip_features(decode(flac, self.fused, rng), self.fused, rng)
        except (ValueError, *FAILURES) as error:
            raise BrokenSample(f"{member.key} in {shard.address}: {first_line(error)}") from error
        return Example(member.key, shard.address, features, caption, captions, tags)

    def read_texts(self) -> Iterator[SampleText]:
        """Yield the text of every sample without reading audio. Broken samples are left out here and reported by `example`."""
        for shard, member in self.samples:
            with suppress(ValueError, *FAILURES):
                yield read_text(read_range(shard, member.json_start, member.json_size, self.cache), self.texts)

    def all_captions(self) -> Iterator[str]:
        """Yield every caption that training may draw."""
        for sample in self.read_texts():
            yield from sample.captions

    def tags(self) -> list[tuple[str, ...]]:
        """Return the tags of every readable sample."""
        return [sample.tags for sample in self.read_texts()]


class FixedClips(Clips):
    """All samples of some shards, for evaluation. Item index is always cut in the same way; a broken sample is its message."""

    def __getitem__(self, index: int) -> Example | str:  # type: ignore[override]
        try:
            return self.example(-1, index)
        except BrokenSample as error:
            return str(error)


def check_waveform(waveform: np.ndarray) -> None:
    """Raise ValueError for frames that are no sound: not finite, or far beyond full scale, as in damaged files of floats."""
    peak = float(np.abs(waveform).max(initial=0.0))  # NaN where a frame is
    if not peak <= LOUDEST:
        raise ValueError(f"its loudest frame is {peak:g} of full scale, which is no number or more than {LOUDEST:g}")
