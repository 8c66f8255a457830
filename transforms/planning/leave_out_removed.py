"""Leave out clips that were removed from a set, and say nothing about them: their rows are counted, with neither id nor address.

A removed clip decides about other clips as before: what repeats it stays a duplicate, what it holds out stays held out. So it is left out
last, and nothing that was equal to it takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from pipeline.masking import is_masked
from pipeline.output.plan_files import REJECTIONS
from pipeline.output.removals_file import Removable, Removals
from pipeline.records import MAX_DETAIL, Clip, Reason, Rejected
from transforms.planning.drop_duplicates import excerpt_in_any_dataset

STAGE = "remove"
SAME_EXCERPT = re.compile(r"same excerpt as ([a-z0-9_-]+)")
"""The detail of a row that repeats the excerpt of the clip of this key, see `drop_duplicates.py`."""
ADDED_TO = "its captions were added to "
"""How the detail of a row begins whose captions other clips got, see `join_captions.py`."""
OTHERS = re.compile(r" and \d+ others$")

LeftOutRow = tuple[str, ...]
"""A row that is left out, in the order of the columns of `REJECTIONS`."""
DATASET, SPLIT, SOURCE, ID, KEY, URL, REASON, _, DETAIL = range(len(REJECTIONS.names))


def check_removed(clip: Clip, removals: Removals) -> Clip:
    """Return the clip unless it was removed.

    Raises:
        Rejected: `removed`.
    """
    if is_removed(clip, removals):
        raise Rejected(Reason.REMOVED, "")
    return clip


def is_removed(clip: Clip, removals: Removals) -> bool:
    """Return whether a clip was removed: itself, another row of its excerpt, or all clips that have something in common with it."""
    return any(removals.has(kind, *values) for kind, values in names_of(clip))


def names_of(clip: Clip) -> Iterator[tuple[Removable, tuple[str, ...]]]:
    """Yield all under which a removal may name a clip. Addresses that only secrets distinguish seem equal: their clips are named by key."""
    yield Removable.CLIP, (clip.dataset, clip.key)
    yield Removable.EXCERPT, (excerpt_in_any_dataset(clip), clip.key if is_masked(clip.url) else "")
    yield Removable.RECORDING, (clip.recording,)
    yield Removable.CREATOR, (clip.creator or "",)
    yield Removable.SOURCE, (clip.source,)
    yield Removable.SOURCE, (clip.dataset,)
    yield Removable.URL, (clip.url,)


def redacted(table: pa.Table, removals: Removals) -> pa.Table:
    """Return the rows that are left out of a plan, `redacted_rows`, as a table of `REJECTIONS`."""
    if not removals:
        return table
    rows = zip(*(table[name].to_pylist() for name in REJECTIONS.names), strict=True)
    values = zip(*redacted_rows(rows, removals), strict=True) if len(table) else [[]] * len(REJECTIONS)
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in values], schema=REJECTIONS)


def redacted_rows(rows: Iterable[LeftOutRow], removals: Removals) -> list[LeftOutRow]:
    """Return rows that are left out, those of removed clips without ids and addresses: only dataset, split and source are left.

    Rows of removed clips are those that planning rejects as `removed`, those with the key of such a clip, those that repeat its excerpt,
    and those whose captions only removed clips got.
    """
    rows = list(rows)
    if not removals:
        return rows
    removed = {(row[DATASET], row[KEY]) for row in rows if row[KEY] and _is_removed(row, removals)}

    def has(dataset: str, key: str) -> bool:
        return (dataset, key) in removed or removals.has(Removable.CLIP, dataset, key)

    keys = {key for _, key in removed}
    return [_redacted(row, has, keys) if row[KEY] else row for row in rows]


def _is_removed(row: LeftOutRow, removals: Removals) -> bool:
    if row[REASON] == Reason.REMOVED or removals.has(Removable.CLIP, row[DATASET], row[KEY]):
        return True
    is_source = removals.has(Removable.SOURCE, row[SOURCE]) or removals.has(Removable.SOURCE, row[DATASET])
    return is_source or (bool(row[URL]) and removals.has(Removable.URL, row[URL]))


def _redacted(row: LeftOutRow, has: Callable[[str, str], bool], keys: set[str]) -> LeftOutRow:
    same, detail = SAME_EXCERPT.match(row[DETAIL]), row[DETAIL]
    if has(row[DATASET], row[KEY]) or (same is not None and has(row[DATASET], same[1])):
        return (*row[:ID], "", "", "", str(Reason.REMOVED), STAGE, "")
    if detail.startswith(ADDED_TO) and keys:
        return _without_keys(row, keys)
    return row


def _without_keys(row: LeftOutRow, keys: set[str]) -> LeftOutRow:
    """Return a row whose captions other clips got, without those that were removed; the last key of a detail that was cut goes too."""
    others = OTHERS.search(row[DETAIL])
    named = OTHERS.sub("", row[DETAIL].removeprefix(ADDED_TO)).split(", ")
    complete = named[:-1] if len(row[DETAIL]) == MAX_DETAIL else named
    stay = [key for key in complete if key not in keys]
    if len(stay) == len(complete):
        return row
    if not stay and others is None:
        return (*row[:ID], "", "", "", str(Reason.REMOVED), STAGE, "")
    return (*row[:DETAIL], f"{ADDED_TO}{', '.join(stay)}{others[0] if others else ''}")
