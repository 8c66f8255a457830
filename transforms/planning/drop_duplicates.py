"""Leave out clips that repeat the excerpt or the id of another clip of their dataset; move their text to that clip.

Of equal clips the first in this order stays: those that the recipe holds out, then by split (test, valid, training), then by
row number. A clip of an evaluation set therefore never loses to its copy in a training split.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from pipeline.keys import short_hash, split_rank
from pipeline.masking import is_masked
from pipeline.records import Clip, Reason, Rejection
from sources.metadata.held_lists import Entry
from sources.metadata.identity import id_of, is_cut, recording_of, urlsplit_path
from transforms.planning.hold_out import is_held

Key = Callable[[Clip], Hashable]


def one_per_excerpt(rows: Iterable[Clip], held: Sequence[Entry] = ()) -> Iterator[Clip | Rejection]:
    """Yield one clip for the rows of one excerpt, with the captions and labels of all rows of its split; reject the other rows.

    A table with one caption a row becomes one clip with all captions, in the order of the rows: those that repeat another too, since
    clips of a test set have a fixed number of them. The rows that brought captions are `merged`, the others `duplicate`. Text is not
    moved to another split.

    Args:
        held: entries of the recipe's `holdout`; a row that belongs to one of them stays.
    """
    first, *others = _ranked(rows, held)
    captions, labels = list(first.captions), dict.fromkeys(first.labels)
    for other in others:
        reason, detail = Reason.DUPLICATE, f"same excerpt as {first.key}"
        if other.split != first.split:
            detail += f", which is in split {first.split}"
        else:
            if other.captions:
                reason, detail = Reason.MERGED, f"{detail}; its text was kept there"
            captions += other.captions
            labels |= dict.fromkeys(other.labels)
        yield Rejection(other, reason, "drop_duplicates", detail)
    yield replace(first, captions=tuple(captions), labels=tuple(labels)) if others else first


def one_per_key(rows: Iterable[Clip], held: Sequence[Entry] = ()) -> Iterator[Clip | Rejection]:
    """Yield the first of the clips that share a sample key; reject the others, since an id must name one clip.

    Where only secrets distinguish the addresses that ids were made from, each clip stays, with a hash of its full address in its id.
    """
    ranked = _ranked(rows, held)
    if len(ranked) > 1 and all(map(_is_named_by_address, ranked)) and len({clip.full_url for clip in ranked}) == len(ranked):
        yield from map(renamed, ranked)
        return
    first, *others = ranked
    yield first
    for other in others:
        yield Rejection(other, Reason.DUPLICATE, "drop_duplicates", f"id {other.id!r} also names another excerpt: {first.url or first.id}")


def renamed(clip: Clip) -> Clip:
    """Return a clip with a hash of its full address in its id."""
    return replace(clip, id=f"{clip.id}-{short_hash(clip.full_url)}")


def distinct_excerpts(clips: Iterable[Clip], held: Sequence[Entry], rejections: list[Rejection]) -> list[Clip]:
    """Return one clip for each excerpt of a dataset, as `one_per_excerpt` chooses it; append rejections of the other rows.

    Args:
        clips: all clips of each recording among them. Different datasets may hold the same excerpt.
    """
    clips = list(clips)
    counts = collections.Counter(clip.recording for clip in clips)

    def key(clip: Clip) -> Hashable:  # the only clip of a recording repeats no other, so its excerpt need not be named
        return excerpt_of(clip) if counts[clip.recording] > 1 else (clip.recording,)

    return _one_of_each(clips, key, partial(one_per_excerpt, held=held), rejections)


def distinct_keys(clips: Iterable[Clip], held: Sequence[Entry], rejections: list[Rejection]) -> list[Clip]:
    """Return one clip for each sample key of a dataset, as `one_per_key` chooses it; append rejections of the others.

    Args:
        clips: all clips of each key among them, with one clip for each excerpt.
    """
    return _one_of_each(clips, key_of, partial(one_per_key, held=held), rejections)


def _one_of_each(
    clips: Iterable[Clip], key: Key, choose: Callable[[list[Clip]], Iterator[Clip | Rejection]], rejections: list[Rejection]
) -> list[Clip]:
    groups: dict[Hashable, list[Clip]] = collections.defaultdict(list)
    for clip in clips:
        groups[key(clip)].append(clip)
    stay: list[Clip] = []
    for group in groups.values():
        if len(group) == 1:
            stay += group
            continue
        for outcome in choose(group):
            if isinstance(outcome, Clip):
                stay.append(outcome)
            else:
                rejections.append(outcome)
    return stay


def excerpt_of(clip: Clip) -> str:
    """Return a text that is equal for clips of one excerpt of a dataset."""
    return repr((clip.dataset, clip.recording, _file(clip), clip.full_url, clip.start or 0.0, clip.end))


def excerpt_in_any_dataset(clip: Clip) -> str:
    """Return a text that is equal for clips of one excerpt of a recording, also of different datasets; secrets of addresses apart."""
    return repr((clip.recording, _file(clip), clip.start or 0.0, clip.end))


def _file(clip: Clip) -> str:
    """Return the file of a clip whose recording is known by an id; empty where the address is that of the recording.

    Files that were cut from one sound, as those of UrbanSound8K, are different excerpts.
    """
    if not clip.recording.startswith(("freesound:", "youtube:")):
        return ""
    is_address = "://" in clip.url and not is_cut(urlsplit_path(clip.url)) and recording_of(clip.url) == clip.recording
    return "" if is_address else clip.url or clip.id


def key_of(clip: Clip) -> str:
    """Return the sample key of a clip with its dataset."""
    return f"{clip.dataset}/{clip.key}"


def _is_named_by_address(clip: Clip) -> bool:
    return bool(clip.full_url) and (is_masked(clip.id) or clip.id == id_of(clip.url, clip.start, clip.end))


def _ranked(rows: Iterable[Clip], held: Sequence[Entry]) -> list[Clip]:
    rows = list(rows)
    return rows if len(rows) == 1 else sorted(rows, key=partial(_rank, held=held))


def _rank(clip: Clip, held: Sequence[Entry]) -> tuple[bool, int, int, str, str]:
    return not is_held(clip, held), split_rank(clip.split), clip.row_number, clip.id, repr(clip)
