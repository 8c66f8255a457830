"""Decide which of the clips of a dataset that sound exactly alike stays, over all its shards.

It depends only on the clips, not on where and when they were built.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter

from pipeline.keys import shard_sort_key, split_rank, stable_hash
from pipeline.output.books import read_books
from pipeline.output.equal_sounds_file import write_equal_sounds
from pipeline.output.layout import EQUAL_SOUNDS, PLAN
from pipeline.output.storage import Folder
from pipeline.records import ShardId, SimilarSounds

FINGERPRINTS = 1
"""Raised when a change to the comparison of fingerprints gives other pairs: builds that leave similar sounds out compare them again."""
COLUMNS = ["key", "recording", "start", "pcm_sha256"]


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a clip: the hash of its frames, its shard, its key, and what it is sorted by."""

    pcm_sha256: str
    shard: ShardId
    key: str
    sort_key: str

    @property
    def dataset_and_frames(self) -> tuple[str, str]:
        """The key of equal sounds: sounds of different datasets are not compared."""
        return self.shard.dataset, self.pcm_sha256

    @property
    def rank(self) -> tuple[int, str, str]:
        """The key that decides which of equal sounds stays, the lowest: test before valid before training, then the order in shards."""
        return split_rank(self.shard.split), self.shard.split, self.sort_key


def sounds_left_out(sounds: Iterable[Sound]) -> Iterator[tuple[ShardId, str, str]]:
    """Yield (shard, hash of the frames, key of the clip that stays) for every other shard that has an equal sound.

    >>> a, b = ShardId("D", "test", 0), ShardId("D", "train", 3)
    >>> list(sounds_left_out([Sound("x", b, "b1", "0"), Sound("x", a, "a1", "9"), Sound("y", b, "b2", "1")]))
    [(ShardId(dataset='D', split='train', index=3), 'x', 'a1')]
    """
    for (_, pcm_sha256), group in itertools.groupby(sorted(sounds, key=attrgetter("dataset_and_frames")), attrgetter("dataset_and_frames")):
        equal = list(group)
        stays = min(equal, key=attrgetter("rank"))
        yield from ((shard, pcm_sha256, stays.key) for shard in sorted({sound.shard for sound in equal} - {stays.shard}))


def sounds_of(folder: Folder, shard: ShardId) -> Iterator[Sound]:
    """Yield the sounds of a shard: those of its samples, and of clips left out because another clip has the same sound."""
    for row in read_books(folder, shard, COLUMNS).to_pylist():
        if row["pcm_sha256"] is not None:
            yield Sound(row["pcm_sha256"], shard, row["key"], shard_sort_key(row["recording"], row["start"], row["key"]))


def compare_sounds(shards: Sequence[ShardId], folder: Folder, sounds_sha256: str, n_readers: int) -> None:
    """Compare the sounds of shards in this process, and write which of them each shard must leave out.

    Args:
        sounds_sha256: the hash of all sounds, for the file.
        n_readers: books that are read at the same time.
    """
    with ThreadPoolExecutor(n_readers) as pool:
        sounds = itertools.chain.from_iterable(pool.map(lambda shard: list(sounds_of(folder, shard)), shards))
        write_left_out(sounds_left_out(sounds), folder, sounds_sha256)


def compared_sha256(sounds: Iterable[tuple[ShardId, str]], similar: SimilarSounds) -> str:
    """Return the hash of the sounds of shards and of what is left out of similar ones, which the file of equal sounds holds."""
    rule = () if similar == "report" else (similar, FINGERPRINTS)
    return stable_hash(*rule, *(f"{shard} {sounds_sha256}" for shard, sounds_sha256 in sounds))


def write_left_out(left_out: Iterable[tuple[ShardId, str, str]], folder: Folder, sounds_sha256: str) -> None:
    """Write what `sounds_left_out` yields to the plan, with the hash of all sounds that were compared."""
    with folder.workspace() as work:
        write_equal_sounds(left_out, sounds_sha256, work / EQUAL_SOUNDS)
        folder.publish(work / EQUAL_SOUNDS, f"{PLAN}/{EQUAL_SOUNDS}")
