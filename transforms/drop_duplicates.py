"""Clips -> one clip an excerpt and an id; the repetitions as rejections, their captions joined to the one that stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import apache_beam as beam

from pipeline.records import Clip, Reason, Rejection
from transforms.hold_out import is_held
from transforms.sift import apart

SPLIT_RANK = {"test": 0, "eval": 0, "valid": 1}  # a clip that is in several splits stays where it would leak most


def one_per_excerpt(rows: Iterable[Clip], held: Sequence[str] = ()) -> Iterator[Clip | Rejection]:
    """Yield one clip for rows of the same excerpt; the others are rejected, and keep their text through it.

    A table with a caption a row becomes one clip with all captions this way. Text never crosses splits.

    Args:
        held: entries of the recipe's `holdout`: a row that belongs to one of them stays rather than another.
    """
    first, *others = sorted(rows, key=partial(_rank, held=held))
    captions, labels = dict.fromkeys(first.captions), dict.fromkeys(first.labels)
    for other in others:
        detail = f"same excerpt as {first.key}"
        if other.split != first.split:
            detail += f", which is in split {first.split}"
        else:
            detail += "; its text was kept there" if any(caption not in captions for caption in other.captions) else ""
            captions |= dict.fromkeys(other.captions)
            labels |= dict.fromkeys(other.labels)
        yield Rejection(other, Reason.DUPLICATE, "drop_duplicates", detail)
    yield replace(first, captions=tuple(captions), labels=tuple(labels)) if others else first


def one_per_key(rows: Iterable[Clip], held: Sequence[str] = ()) -> Iterator[Clip | Rejection]:
    """Yield the first of the clips that share a sample key, and reject the others: an id must name one clip."""
    first, *others = sorted(rows, key=partial(_rank, held=held))
    yield first
    for other in others:
        yield Rejection(other, Reason.DUPLICATE, "drop_duplicates", f"id {other.id!r} also names another excerpt: {first.url or first.id}")


class DropDuplicates(beam.PTransform):
    """Clips -> (distinct clips, rejections), within a dataset; other datasets may hold the same recording."""

    def __init__(self, held: Sequence[str] = ()):
        super().__init__()
        self.held = held

    def expand(self, clips: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        distinct, repeated = self._grouped(clips, "Excerpt", _excerpt, partial(one_per_excerpt, held=self.held))
        unique, renamed = self._grouped(distinct, "Key", _key, partial(one_per_key, held=self.held))
        return unique, (repeated, renamed) | beam.Flatten()

    def _grouped(
        self,
        clips: beam.PCollection,
        name: str,
        key: Callable[[Clip], str],
        choose: Callable[[Iterable[Clip]], Iterator[Clip | Rejection]],
    ) -> tuple[beam.PCollection, beam.PCollection]:
        outcomes = clips | f"By{name}" >> beam.GroupBy(key) | f"OneOf{name}" >> beam.FlatMapTuple(lambda _, rows: choose(rows))
        return apart(outcomes, name)


def _excerpt(clip: Clip) -> str:
    return repr((clip.dataset, clip.recording, clip.start or 0.0, clip.end))


def _key(clip: Clip) -> str:
    return f"{clip.dataset}/{clip.key}"


def _rank(clip: Clip, held: Sequence[str]) -> tuple[bool, int, int, str, str]:
    return not is_held(clip, held), SPLIT_RANK.get(clip.split, 2), clip.order, clip.id, repr(clip)
