"""Add the captions of caption tables to the clips of other sources that are of the same recording and begin at the same second.

Caption tables (`joins` in their options) hold captions of recordings that other sources bring. Their captions come after those of the
clip, in the order of source, dataset and row. Only clips for training get them, so that an evaluation set stays what was published.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from pipeline.records import Caption, Clip, Reason, Rejection
from sources.metadata.held_lists import Entry
from sources.metadata.options import SourceOptions
from transforms.planning.hold_out import is_for_training

MAX_APART = 1.0  # seconds between the starts of two descriptions of one excerpt: tables round them
MAX_NAMED = 5  # clips in a detail

SourceName = tuple[str, str]
"""A source and its dataset."""


def joining_sources(sources: Iterable[SourceOptions]) -> frozenset[SourceName]:
    """Return the sources of a recipe that are caption tables."""
    return frozenset((options.source, options.dataset) for options in sources if getattr(options, "joins", False))


def join_captions(clips: Iterable[Clip], tables: Set[SourceName], held: Sequence[Entry] = ()) -> Iterator[Clip | Rejection]:
    """Yield the clips of one recording with the captions of its rows in caption tables; reject rows whose captions were added.

    A row of a caption table that fits no clip of another source stays a clip of its own when it has a way to its audio.

    Args:
        held: entries of the recipe's `holdout`; clips that they name get no captions.
    """
    rows: list[Clip] = []
    others: list[Clip] = []
    for clip in sorted(clips, key=_order):
        is_row = (clip.source, clip.dataset) in tables and clip.captions and is_for_training(clip, held)
        (rows if is_row else others).append(clip)
    targets = [clip for clip in others if (clip.source, clip.dataset) not in tables and is_for_training(clip, held)]
    added: dict[int, list[Clip]] = collections.defaultdict(list)
    for row in rows:
        fitting = [clip for clip in targets if _fits(row, clip)]
        if fitting and max(_start(clip) for clip in fitting) - min(_start(clip) for clip in fitting) > 2 * MAX_APART:
            starts = sorted({_start(clip) for clip in fitting})
            detail = (
                f"the row gives no start, and clips of {row.recording} begin at {', '.join(f'{start:g} s' for start in starts[:MAX_NAMED])}"
            )
            yield Rejection(row, Reason.AMBIGUOUS, "join_captions", detail)
        elif fitting:
            for clip in fitting:
                added[id(clip)].append(row)
            more = f" and {len(fitting) - MAX_NAMED} others" if len(fitting) > MAX_NAMED else ""
            detail = f"its captions were added to {', '.join(clip.key for clip in fitting[:MAX_NAMED])}{more}"
            yield Rejection(row, Reason.MERGED, "join_captions", detail)
        elif row.url or row.audio_root is not None:
            yield row
        else:
            detail = f"no clip of another source is this excerpt of {row.recording}, and the row has neither an address nor an audio_root"
            yield Rejection(row, Reason.NOT_FOUND, "join_captions", detail)
    for clip in others:
        yield _with_captions(clip, added[id(clip)]) if id(clip) in added else clip


def _with_captions(clip: Clip, rows: Iterable[Clip]) -> Clip:
    """Return a clip with the captions of rows after its own; none twice."""
    own = {caption.text for caption in clip.captions}
    new: dict[str, Caption] = {}
    for caption in itertools.chain.from_iterable(row.captions for row in rows):
        if caption.text not in own:
            new.setdefault(caption.text, caption)
    return replace(clip, captions=(*clip.captions, *new.values()))


def _fits(row: Clip, clip: Clip) -> bool:
    """Return whether a row of a caption table describes the excerpt of a clip of the same recording.

    Tables of captions of YouTube clips often leave out the start: such a row fits every clip of its video.
    """
    if row.start is None and row.recording.startswith("youtube:"):
        return True
    return abs(_start(row) - _start(clip)) <= MAX_APART


def _start(clip: Clip) -> float:
    return clip.start or 0.0


def _order(clip: Clip) -> tuple[str, str, int, str, str]:
    return clip.source, clip.dataset, clip.row_number, clip.id, repr(clip)


def join_all(clips: Iterable[Clip], tables: Set[SourceName], held: Sequence[Entry], rejections: list[Rejection]) -> list[Clip]:
    """Return clips after `join_captions` of each recording; append rejections of the rows whose captions were added.

    Args:
        clips: all clips of each recording among them.
    """
    if not tables:  # as in most recipes: nothing to group
        return list(clips)
    groups = collections.defaultdict(list)
    for clip in clips:
        groups[clip.recording].append(clip)
    stay: list[Clip] = []
    for group in groups.values():
        for outcome in join_captions(group, tables, held):
            if isinstance(outcome, Clip):
                stay.append(outcome)
            else:
                rejections.append(outcome)
    return stay
