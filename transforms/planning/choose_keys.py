"""Decide which clip has a sample key that clips of several excerpts have. Only these clips leave their partition."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.records import Clip, Reason, Rejection
from sources.metadata.held_lists import Entry
from transforms.planning.batches import N_BUCKETS, pack, unpack
from transforms.planning.drop_duplicates import excerpt_of, key_of, one_per_key
from transforms.planning.key_hashes import hash_of, numbers

Choices = Mapping[str, "Choice"]
"""Excerpt -> what was decided about its clip; excerpts that are not here keep their clip as it is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The clip of an excerpt gets another id, or is rejected with a detail."""

    id: str | None = None
    detail: str | None = None


def with_repeated_keys(distinct: Iterable[Clip], repeated: np.ndarray, partition: int) -> Iterator[tuple[int, bytes]]:
    """Yield by bucket the clips of a partition whose keys clips of other excerpts may have, with the number of the partition."""
    clips = list(distinct)
    hashes = numbers(hash_of(key_of(clip)) for clip in clips)
    at = np.flatnonzero(np.isin(hashes, repeated))
    by_bucket: dict[int, list[Clip]] = collections.defaultdict(list)
    for position in at.tolist():
        by_bucket[int(hashes[position] % np.uint64(N_BUCKETS))].append(clips[position])
    for bucket, members in by_bucket.items():
        yield bucket, pack((partition, members))


def choose(bucket: tuple[int, Iterable[bytes]], held: Sequence[Entry]) -> Iterator[tuple[int, bytes]]:
    """Yield by partition what is decided about the clips of a bucket, by `one_per_key`."""
    groups: dict[str, list[tuple[Clip, int]]] = collections.defaultdict(list)
    for partition, clips in map(unpack, bucket[1]):
        for clip in clips:
            groups[key_of(clip)].append((clip, partition))
    choices: dict[int, dict[str, Choice]] = collections.defaultdict(dict)
    for group in groups.values():
        partition_of = {excerpt_of(clip): partition for clip, partition in group}
        for excerpt, choice in _choices([clip for clip, _ in group], held):
            choices[partition_of[excerpt]][excerpt] = choice
    for partition, of_partition in choices.items():
        yield partition, pack(of_partition)


def _choices(clips: list[Clip], held: Sequence[Entry]) -> Iterator[tuple[str, Choice]]:
    given, by_address = set(map(id, clips)), {clip.full_url: clip for clip in clips}
    for outcome in one_per_key(clips, held):
        if isinstance(outcome, Rejection):
            yield excerpt_of(outcome.clip), Choice(detail=outcome.detail)
        elif id(outcome) not in given:  # a copy with another id: then all full addresses differ
            yield excerpt_of(by_address[outcome.full_url]), Choice(id=outcome.id)


def apply(distinct: Iterable[Clip], choices: Choices, rejections: list[Rejection]) -> list[Clip]:
    """Return the clips that stay, with their ids; append rejections of the others."""
    if not choices:
        return list(distinct)
    stay = []
    for clip in distinct:
        choice = choices.get(excerpt_of(clip), Choice())
        if choice.detail is not None:
            rejections.append(Rejection(clip, Reason.DUPLICATE, "drop_duplicates", choice.detail))
        else:
            stay.append(clip if choice.id is None else replace(clip, id=choice.id))
    return stay
