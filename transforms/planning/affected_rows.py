"""Find which rows of sources are new, and which planned rows they have to do with: rows of their recordings and with their sample keys.

Everything is decided from digests; no row is needed. What planning says about a row depends only on the rows of its recording and of its
key, so all other rows keep their place and their text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.output.digest_files import NO_CLIP, RowDigests, joined


@dataclass(frozen=True, slots=True)
class Affected:
    """What rows that were added change.

    `rows` are the digests of all rows of a plan with them, rejected ones too; `recordings` the hashes, rising, of the recordings whose rows
    are planned again.
    """

    rows: RowDigests
    recordings: np.ndarray

    def again(self, digests: RowDigests) -> np.ndarray:
        """Return where in `digests` the rows are that are planned again."""
        return is_in(digests.recordings, self.recordings) & (digests.numbers != NO_CLIP)


def is_in(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return where `values` are among `known`, which rise: for few known values this is faster than `np.isin`."""
    if not len(known):
        return np.zeros(len(values), bool)
    return known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values


def affected(standing: RowDigests, now: RowDigests, reread: np.ndarray) -> Affected | None:
    """Return what the rows of sources that were read again change; `None` where a row of the plan is gone or has changed.

    Args:
        standing: digests of the rows that the plan was made from.
        now: digests of all rows that some sources have now.
        reread: numbers of those sources.
    """
    again = np.isin(standing.sources, reread)
    before, is_clip = standing[again & (standing.numbers != NO_CLIP)], now.numbers != NO_CLIP
    rows = joined([standing[~again], now])
    after = _by_content(now[is_clip])
    differs = _differing(_by_content(before), after)
    if differs is None:
        return None
    seeds, renumbered = after[differs > 0], after[differs < 0]
    together = rows[rows.numbers != NO_CLIP]
    if len(renumbered):
        seeds = joined([seeds, renumbered[~_is_alone(renumbered, together)]])
    return Affected(rows, _closure(np.unique(seeds.recordings), together))


def _by_content(digests: RowDigests) -> RowDigests:
    return digests[np.lexsort((digests.numbers, contents_of(digests)))]


NEW, RENUMBERED = 1, -1


def _differing(before: RowDigests, after: RowDigests) -> np.ndarray | None:
    """Return for each row now whether it is new (`NEW`), has another number in its source (`RENUMBERED`), or is as before (0).

    Of equal rows that have become more or fewer all count as new; `None` where any row is gone.
    """
    known, n_before = np.unique(contents_of(before), return_counts=True)
    contents, n_after = np.unique(contents_of(after), return_counts=True)
    counts = np.zeros(len(contents), np.int64)
    at = np.searchsorted(contents, known)
    if np.any(at == len(contents)) or np.any(contents[at] != known):
        return None
    counts[at] = n_before
    if np.any(counts > n_after):
        return None
    same_count = counts == n_after
    differs = np.where(np.repeat(same_count, n_after), 0, NEW)
    numbers = before.numbers[np.repeat(same_count[at], n_before)]
    differs[differs == 0] = np.where(after.numbers[differs == 0] == numbers, 0, RENUMBERED)
    return differs


def contents_of(digests: RowDigests) -> np.ndarray:
    """Return a 64-bit number for each row that stands for its source and its content. One number is sorted much faster than a pair."""
    return digests.rows ^ (digests.sources.astype(np.uint64) * SPREAD)


SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""An odd number whose multiples differ in all bits: 2^64 / the golden ratio (Knuth, The Art of Computer Programming 3, 6.4)."""


def _is_alone(some: RowDigests, rows: RowDigests) -> np.ndarray:
    """Return which rows share neither their recording nor a key with another row: their number decides nothing."""
    recordings, keys = _several(rows.recordings), _several(np.concatenate([rows.keys, rows.other_keys[rows.other_keys != 0]]))
    return ~(is_in(some.recordings, recordings) | is_in(some.keys, keys) | is_in(some.other_keys, keys))


def _several(values: np.ndarray) -> np.ndarray:
    distinct, counts = np.unique(values, return_counts=True)
    return distinct[counts > 1]


def _closure(recordings: np.ndarray, rows: RowDigests) -> np.ndarray:
    """Return recordings and all that share a key with them, directly or through others, rising."""
    while True:
        chosen = is_in(rows.recordings, recordings)
        keys = np.unique(np.concatenate([rows.keys[chosen], rows.other_keys[chosen]]))
        keys = keys[keys != 0]
        grown = np.unique(rows.recordings[is_in(rows.keys, keys) | is_in(rows.other_keys, keys) | chosen])
        if len(grown) == len(recordings):
            return grown
        recordings = grown
