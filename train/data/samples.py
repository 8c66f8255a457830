"""Samples of shards: read, decode, and turn into examples. What is random depends on (seed, epoch, key) alone."""

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch.utils.data import Dataset

from train.data.cache_room import make_room
from train.data.convert import convert, is_plain_flac
from train.data.decode import decode
from train.data.index import kept_books, open_index
from train.data.members import Member
from train.data.order import dataset_portions
from train.data.ranges import FAILURES, MOST_BYTES, first_line, read_range
from train.data.sample_text import SampleText, draw, read_caption, read_text
from train.data.shards import Shard
from train.errors import Stopped
from train.towers.features import Features, clip_features

MOST_BETWEEN = 1 << 16  # bytes between audio and text of a sample that are read with them
MOST_BROKEN = 20  # broken samples in a row, after which training stops


@dataclass(frozen=True)
class Example:
    """One clip, ready for the model.

    caption: drawn from captions. path: the shard or the file. broken: messages about the samples that this one replaces. address: of the
    recording, "" if unknown.
    """

    key: str
    path: str
    features: Features
    caption: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    broken: tuple[str, ...] = ()
    address: str = ""


class BrokenSample(ValueError):
    """The sample cannot be used. The message names the sample and the reason."""


class Clips(Dataset):
    """All samples of some shards, for training.

    Item (round, index): caption and cuts are drawn by (seed, round, key), the caption by `origins`; see `draw`. Round -1 takes the first
    caption and the middle cuts. most_bytes: of remote samples that are kept in `cache`, over all sets.
    """

    def __init__(
        self,
        shards: list[Shard],
        fused: bool,
        cache: Path,
        texts: str = "text",
        seed: int = 0,
        origins: Mapping[str, float] = MappingProxyType({}),
        most_bytes: int = MOST_BYTES,
    ):
        self.fused, self.cache, self.texts, self.seed, self.origins, self.most_bytes = fused, cache, texts, seed, dict(origins), most_bytes
        self.samples = open_index(shards, cache)
        self.shards = self.samples.shards
        self.datasets, _ = dataset_portions(self.shards)
        make_room(cache, {shard.cache_key for shard in self.shards}, most_bytes)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, item: tuple[int, int]) -> Example:
        """Return an example. A broken sample is replaced by another of its dataset, far from it, which carries the message.

        Raise Stopped if that is broken too, and so on, 21 times in a row.
        """
        round_, index = item
        start, n_samples = self._dataset_of(index)
        broken: list[str] = []
        while True:
            try:
                example = self.example(round_, start + (index - start + len(broken) * far_step(n_samples)) % n_samples)
                return replace(example, broken=tuple(broken))
            except BrokenSample as error:
                broken.append(str(error))
                if len(broken) > MOST_BROKEN:
                    raise Stopped(f"more than {MOST_BROKEN} samples in a row are broken, the last: {error}") from error

    def _dataset_of(self, index: int) -> tuple[int, int]:
        """Return where the samples of the dataset of a sample begin, and how many it has."""
        part = self.datasets[bisect_right(self.datasets, index, key=attrgetter("start")) - 1]
        return part.start, part.n_samples

    def example(self, round_: int, index: int) -> Example:
        """Read one sample. Raise BrokenSample if it cannot be used."""
        shard, member = self.samples[index]
        rng = np.random.default_rng((self.seed, round_, zlib.crc32(member.key.encode()))) if round_ >= 0 else None
        try:
            audio, data = self._read(shard, member)
            sample = read_text(data, self.texts) if member.is_json else read_caption(data)
            caption = draw(sample, self.origins, rng) if rng else sample.captions[0]
            waveform = decode(audio, self.fused, rng) if is_plain_flac(audio) else torch.from_numpy(convert(audio))
            features = clip_features(waveform, self.fused, rng)
        except (ValueError, *FAILURES) as error:
            raise BrokenSample(f"{member.key} in {shard.address}: {first_line(error)}") from error
        return Example(member.key, shard.address, features, caption, sample.captions, sample.tags, address=sample.address)

    def _read(self, shard: Shard, member: Member) -> tuple[bytes, bytes]:
        """Return audio and text of a sample, by one read of the range that holds both, unless other samples lie between them."""
        spans = [(member.audio_start, member.audio_size), (member.text_start, member.text_size)]
        start, end = min(begin for begin, _ in spans), max(begin + size for begin, size in spans)
        if end - start > sum(size for _, size in spans) + MOST_BETWEEN:
            return self._read_range(shard, *spans[0]), self._read_range(shard, *spans[1])
        data = self._read_range(shard, start, end - start)
        audio, text = (data[begin - start : begin - start + size] for begin, size in spans)
        return audio, text

    def _read_range(self, shard: Shard, start: int, size: int) -> bytes:
        return read_range(shard.address, start, size, self.cache / shard.cache_key, self.most_bytes)

    def read_texts(self, indices: Iterable[int] | None = None) -> Iterator[SampleText]:
        """Yield the text of some samples, or of every one, without reading audio.

        Broken samples are left out here and reported by `example`.
        """
        for index in range(len(self)) if indices is None else indices:
            shard, member = self.samples[index]
            with suppress(ValueError, *FAILURES):
                if (books := kept_books(shard, self.cache)) is not None:
                    yield read_text(books[1][self.samples.number_in_shard(index)].encode(), self.texts)
                    continue
                data = self._read_range(shard, member.text_start, member.text_size)
                yield read_text(data, self.texts) if member.is_json else read_caption(data)

    def all_captions(self, most: int | None = None) -> Iterator[str]:
        """Yield every caption that training may draw, or those of at most `most` samples, evenly spread over the set."""
        for sample in self.read_texts(None if most is None else spread(len(self), most)):
            yield from sample.captions

    def tags(self) -> list[tuple[str, ...]]:
        """Return the tags of every readable sample."""
        return [sample.tags for sample in self.read_texts()]


def spread(n: int, most: int) -> list[int]:
    """Return at most `most` of the numbers below n, evenly spread.

    >>> spread(10, 3), spread(2, 3)
    ([0, 3, 6], [0, 1])
    """
    return [i * n // most for i in range(most)] if most < n else list(range(n))


def far_step(n: int) -> int:
    """Return a step of about half of n that visits all numbers below n before it comes back.

    >>> [sorted(i * far_step(n) % n for i in range(n)) == list(range(n)) for n in (1, 2, 3, 6, 8, 10)]
    [True, True, True, True, True, True]
    """
    return n // 2 + (2 if n % 4 == 2 else 1)


class FixedClips(Clips):
    """All samples of some shards, for evaluation. Item index is always cut in the same way; a broken sample is its message."""

    def __getitem__(self, index: int) -> Example | str:  # type: ignore[override]
        try:
            return self.example(-1, index)
        except BrokenSample as error:
            return str(error)
