"""Read the rows that sources have now and that a plan was not made from, and the planned rows that have to do with them."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.output.digest_files import NO_CLIP, RowDigests, joined
from pipeline.output.plan_files import left_out_row
from pipeline.records import Clip, Rejection
from sources.metadata.options import SourceOptions
from transforms.planning.affected_rows import Affected, affected, contents_of, is_in
from transforms.planning.key_hashes import hash_of, numbers
from transforms.planning.plan_difference import LeftOutRow
from transforms.planning.read_sources import MAX_ROWS, read_source
from transforms.planning.row_digests import digests_of, digests_of_rejections

MAX_AGAIN = 200_000
"""Rows that are planned twice, in one thread: of more, planning all rows on an engine takes less time or less memory."""


@dataclass(frozen=True, slots=True)
class AddedRows:
    """The rows of recordings that added rows have to do with, as they were (`before`) and as they are now (`after`).

    `digests` are of all rows now. `rejected` counts, by hash, rows that sources reject now and did not reject before; `not_rejected` those
    that they reject no more. `rejected_rows` are the former.
    """

    before: Sequence[Clip]
    after: Sequence[Clip]
    digests: RowDigests
    rejected: Counter[int]
    not_rejected: Counter[int]
    rejected_rows: Mapping[int, LeftOutRow]

    @property
    def n_added(self) -> int:
        """The number of clips that were not among the rows before."""
        return len(self.after) - len(self.before)


@dataclass(frozen=True, slots=True)
class _SourceNow:
    """What a source has now: digests of all rows, its clips that the plan does not know, and rejected rows by hash."""

    digests: list[RowDigests] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    rejected: dict[int, LeftOutRow] = field(default_factory=dict)


def added_rows(standing: RowDigests, sources: Sequence[SourceOptions], changed: Iterable[int]) -> AddedRows | None:
    """Read sources whose tables changed, or that are new, and what else is needed; `None` where the plan must be made from all rows.

    So it is where a row of the plan is gone or has changed, or where added rows have to do with more than `MAX_AGAIN` rows.

    Args:
        standing: digests of the rows that the plan was made from; `sources` in them are numbers of `sources`.
        changed: the numbers of the sources that have to be read.
    """
    read: dict[int, _SourceNow] = {}
    for number in sorted(changed):
        read[number] = _read(sources[number], number, standing[standing.sources == number])
        if sum(len(each.clips) for each in read.values()) > MAX_AGAIN:
            return None
    now = joined(part for each in read.values() for part in each.digests)
    change = affected(standing, now, np.array(list(read), np.uint16))
    if change is None or np.count_nonzero(change.again(change.rows)) > MAX_AGAIN:
        return None
    after = list(_rows_of(change, sources, {number: each.clips for number, each in read.items()}))
    if not _are(after, change.rows[change.again(change.rows)]):  # a table changed while it was read
        return None
    before = _as_they_were(after, standing[change.again(standing)])
    rejected_before, rejected_now = (_rejected(digests, list(read)) for digests in (standing, now))
    rows = {number: row for each in read.values() for number, row in each.rejected.items()}
    clips = [clip for _, clip in after]
    return AddedRows(before, clips, change.rows, rejected_now - rejected_before, rejected_before - rejected_now, rows)


def _read(options: SourceOptions, number: int, standing: RowDigests) -> _SourceNow:
    """Read a source, and hold the clips that `standing`, the rows of the plan from this source, does not have."""
    known, now, rows = np.unique(standing.rows[standing.numbers != NO_CLIP]), _SourceNow(), read_source(options)
    while batch := list(itertools.islice(rows, MAX_ROWS)):
        clips = [row for row in batch if isinstance(row, Clip)]
        rejections = [row for row in batch if isinstance(row, Rejection)]
        digests, rejected = digests_of(clips, number), digests_of_rejections(rejections, number)
        now.digests.extend((digests, rejected))
        now.clips.extend(clips[at] for at in np.flatnonzero(~is_in(digests.rows, known)).tolist())
        now.rejected.update(zip(rejected.rows.tolist(), (tuple(left_out_row(each).values()) for each in rejections), strict=True))
        if len(now.clips) > MAX_AGAIN:
            break
    return now


def _rows_of(change: Affected, sources: Sequence[SourceOptions], new: Mapping[int, Sequence[Clip]]) -> Iterator[tuple[int, Clip]]:
    """Yield the rows that are planned again, with the numbers of their sources; reads a source only if not all of its rows are `new`."""
    counts = Counter(change.rows.sources[change.again(change.rows)].tolist())
    for number in sorted(counts):
        if counts[number] == len(new.get(number, ())):
            yield from ((number, clip) for clip in new[number])
            continue
        rows = (row for row in read_source(sources[number]) if isinstance(row, Clip))
        while batch := list(itertools.islice(rows, MAX_ROWS)):
            at = np.flatnonzero(is_in(numbers(hash_of(clip.recording) for clip in batch), change.recordings))
            yield from ((number, batch[position]) for position in at.tolist())


def _are(rows: Sequence[tuple[int, Clip]], digests: RowDigests) -> bool:
    """Return whether rows, source after source, have these digests, in any order."""
    given = _digests(rows)
    return len(given) == len(digests) and all(
        np.array_equal(a, b) for a, b in zip(_contents_and_numbers(given), _contents_and_numbers(digests), strict=True)
    )


def _digests(rows: Sequence[tuple[int, Clip]]) -> RowDigests:
    by_source: dict[int, list[Clip]] = defaultdict(list)
    for number, clip in rows:
        by_source[number].append(clip)
    return joined(digests_of(clips, number) for number, clips in by_source.items())


def _contents_and_numbers(digests: RowDigests) -> tuple[np.ndarray, np.ndarray]:
    contents = contents_of(digests)
    order = np.lexsort((digests.numbers, contents))
    return contents[order], digests.numbers[order]


def _as_they_were(rows: Sequence[tuple[int, Clip]], standing: RowDigests) -> list[Clip]:
    """Return those of some rows that the plan was made from, with the numbers that they had in their sources then."""
    numbers_then: dict[int, list[int]] = defaultdict(list)
    for content, number in zip(*(part.tolist() for part in _contents_and_numbers(standing)), strict=True):
        numbers_then[content].append(number)
    contents = contents_of(_digests(rows)).tolist() if numbers_then else []
    known = ((clip, numbers_then[content]) for (_, clip), content in zip(rows, contents, strict=bool(numbers_then)))
    return [replace(clip, row_number=left.pop()) for clip, left in known if left]


def _rejected(digests: RowDigests, sources: Sequence[int]) -> Counter[int]:
    """Count, by hash, the rows that some sources reject."""
    return Counter(digests.rows[np.isin(digests.sources, sources) & (digests.numbers == NO_CLIP)].tolist())
