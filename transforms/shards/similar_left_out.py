"""Decide which of the clips that sound alike, though not exactly, stay. As for equal sounds it depends only on the clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from pipeline.keys import TRAINING, shard_sort_key, split_rank
from pipeline.output.books import read_books
from pipeline.output.storage import Folder
from pipeline.records import ShardId, SimilarSounds
from transforms.audio.similar_pairs import similar_pairs
from transforms.shards.equal_sounds import Sound, sounds_left_out

COLUMNS = ["key", "recording", "start", "pcm_sha256", "fingerprint"]


@dataclass(frozen=True, slots=True)
class PrintedSound:
    """The sound of a clip with its recording and its fingerprint."""

    sound: Sound
    recording: str
    fingerprint: bytes

    @property
    def rank(self) -> tuple[int, str, str, str]:
        """The key that decides which of similar sounds stays, the lowest: as for equal sounds, and over datasets by their names."""
        rank, split, sort_key = self.sound.rank
        return rank, self.sound.shard.dataset, split, sort_key

    @property
    def is_for_training(self) -> bool:
        """Whether its split is for training."""
        return split_rank(self.sound.shard.split) == TRAINING


def read_printed(folder: Folder, shards: Sequence[ShardId], n_readers: int) -> list[PrintedSound]:
    """Return the sounds of shards with their fingerprints; reads `n_readers` books at the same time."""
    with ThreadPoolExecutor(n_readers) as pool:
        return list(chain.from_iterable(pool.map(lambda shard: list(_printed(folder, shard)), shards)))


def _printed(folder: Folder, shard: ShardId) -> Iterator[PrintedSound]:
    for row in read_books(folder, shard, COLUMNS).to_pylist():
        if row["pcm_sha256"] is not None:
            sort_key = shard_sort_key(row["recording"], row["start"], row["key"])
            yield PrintedSound(Sound(row["pcm_sha256"], shard, row["key"], sort_key), row["recording"], row["fingerprint"] or b"")


def similar_left_out(sounds: Iterable[PrintedSound], rule: SimilarSounds) -> Iterator[tuple[ShardId, str, str]]:
    """Yield (shard, hash of the frames, key of the clip that stays) for each sound that a shard must leave out, equal or similar.

    With the rule `leaks` these are sounds of training splits that are similar to one of an evaluation split, of whatever dataset; with
    `all` every sound that is similar to one that stays, except parts of one recording in splits of one kind.
    """
    sounds = sorted(sounds, key=lambda each: each.rank)
    equal = {(shard, pcm): key for shard, pcm, key in sounds_left_out(each.sound for each in sounds)}
    first: dict[tuple[str, str], PrintedSound] = {}
    for each in sounds:
        first.setdefault(each.sound.dataset_and_frames, each)
    stays = _replaced_by(list(first.values()), rule)
    for each in sounds:
        if (by := stays.get(each.sound.dataset_and_frames)) is not None:
            equal[each.sound.shard, each.sound.pcm_sha256] = by
    yield from ((shard, pcm, key) for (shard, pcm), key in equal.items())


def _replaced_by(sounds: Sequence[PrintedSound], rule: SimilarSounds) -> dict[tuple[str, str], str]:
    """Return which of the different sounds of each dataset are left out, and the key of the clip that stays for each.

    A sound is left out if it is similar to one before it that stays.

    Args:
        sounds: in order of their rank.
    """
    left_out: dict[int, str] = {}
    before: dict[int, list[int]] = {}
    for pair in similar_pairs([each.fingerprint for each in sounds]):
        before.setdefault(pair.b, []).append(pair.a)
    for number in sorted(before):
        for other in sorted(before[number]):
            if other not in left_out and _may_replace(sounds[other], sounds[number], rule):
                left_out[number] = sounds[other].sound.key
                break
    return {sounds[number].sound.dataset_and_frames: key for number, key in left_out.items()}


def _may_replace(stays: PrintedSound, goes: PrintedSound, rule: SimilarSounds) -> bool:
    is_leak = goes.is_for_training and not stays.is_for_training
    return is_leak or (rule == "all" and stays.recording != goes.recording)
