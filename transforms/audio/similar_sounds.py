"""Compare fingerprints: find out whether two sounds are copies of one, in part or as a whole, and by how much they are shifted.

First hashes of three neighbouring peaks are looked for that both have at one shift. Then all peaks are compared at that shift. Both must
agree: hashes by how many different ones there are, so that a beep that repeats is no copy of another, and peaks by their share.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from transforms.audio.fingerprint import HOPS_PER_SECOND, peaks_of

FAN = 5  # peaks that follow a peak and make hashes with it, two at a time
NEXT = 24  # peaks after a peak among which these are looked for
MAX_STEP, MAX_LEAP = 48, 63  # hops and bins from a peak to those that make hashes with it
LEAST_HASHES = 5  # different ones at one shift
LEAST_SHARE = 0.25  # of the peaks in the part that both sounds have
NEAR_HOPS, NEAR_BINS = 1, 1  # how far peaks of copies may be from each other: copies begin between two columns of the spectrogram
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio (Knuth, volume 3, section 6.4)
_TIME = np.int64(1 << 31)  # so that hops before the beginning are no other hash


@dataclass(frozen=True, slots=True)
class Match:
    """How two sounds agree.

    `offset` is the second of the first sound at which the second one begins; below 0 the second begins earlier. `seconds` is how long the
    part is in which both have peaks, `share` the share of the peaks of that part that both have, 0 to 1, of the sound with fewer;
    `n_peaks` is their number, `n_hashes` that of different hashes at this offset.
    """

    offset: float
    seconds: float
    share: float
    n_peaks: int
    n_hashes: int

    def turned(self) -> Match:
        """Return how the first sound agrees with the second."""
        return replace(self, offset=-self.offset or 0.0)


def hashes(made: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes of a fingerprint, uint32 `(n_hashes,)`, and the hop of each, int64 `(n_hashes,)`. Copies share many of them."""
    times, bins = peaks_of(made)
    n = len(times)
    if n < 3:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    others = np.arange(n)[:, None] + np.arange(1, NEXT + 1)
    inside = np.minimum(others, n - 1)
    steps, leaps = times[inside] - times[:, None], bins[inside] - bins[:, None]
    fits = (others < n) & (steps >= 2) & (steps <= MAX_STEP) & (np.abs(leaps) <= MAX_LEAP)
    rank = np.cumsum(fits, axis=1)
    pairs = (steps * 128 + leaps + 64).astype(np.uint64)
    chosen = np.zeros((FAN, n), np.uint64)  # of each peak the first, second ... that follows; 0: there is none
    for position in range(FAN):
        row, column = np.nonzero(fits & (rank == position + 1))
        chosen[position, row] = pairs[row, column]
    first, second = np.triu_indices(FAN, 1)
    exists = chosen[second] > 0
    keys = (bins.astype(np.uint64) << np.uint64(26) | chosen[first] << np.uint64(13) | chosen[second])[exists]
    return ((keys * _MIX) >> np.uint64(32)).astype(np.uint32), np.broadcast_to(times, exists.shape)[exists]


def compare(a: bytes, b: bytes) -> Match | None:
    """Return how the sound of fingerprint `b` agrees with that of `a`; `None` where they are not copies.

    >>> compare(b"", b"") is None
    True
    """
    (hashes_a, times_a), (hashes_b, times_b) = hashes(a), hashes(b)
    order = np.argsort(hashes_a, kind="stable")
    hashes_a, times_a = hashes_a[order], times_a[order]
    first, end = np.searchsorted(hashes_a, hashes_b), np.searchsorted(hashes_a, hashes_b, side="right")
    n_same = end - first
    of_b = np.repeat(np.arange(len(hashes_b)), n_same)
    of_a = np.arange(len(of_b)) - np.repeat(np.cumsum(n_same) - n_same, n_same) + np.repeat(first, n_same)
    if not len(of_b):
        return None
    hop = _most_voted(times_a[of_a] - times_b[of_b], hashes_b[of_b])
    return aligned(a, b, hop)


def _most_voted(shifts: np.ndarray, votes: np.ndarray) -> int:
    """Return the shift for which there are most different votes, those of its two neighbours included; the lowest of several."""
    cast = np.unique(np.stack([shifts, votes.astype(np.int64)]), axis=1)[0]
    values, counts = np.unique(cast, return_counts=True)
    around = counts.copy()
    for step in (-1, 1):
        at = np.searchsorted(values, values + step)
        inside = np.minimum(at, len(values) - 1)
        around += np.where(values[inside] == values + step, counts[inside], 0)
    return int(values[np.lexsort((values, -counts, -around))[0]])


def aligned(a: bytes, b: bytes, hop: int) -> Match | None:
    """Return how the sound of fingerprint `b` agrees with that of `a` when `b` begins `hop` hops into `a`; `None` where it does not."""
    found = measured(a, b, hop)
    return found if found is not None and found.n_hashes >= LEAST_HASHES and found.share >= LEAST_SHARE else None


def measured(a: bytes, b: bytes, hop: int) -> Match | None:
    """Return how two sounds agree at a shift, however little; `None` where no part has peaks of both."""
    (times_a, bins_a), (times_b, bins_b) = peaks_of(a), peaks_of(b)
    if not len(times_a) or not len(times_b):
        return None
    times_b = times_b + hop
    begin, end = max(times_a[0], times_b[0]) - NEAR_HOPS, min(times_a[-1], times_b[-1]) + NEAR_HOPS
    in_a, in_b = (times_a >= begin) & (times_a <= end), (times_b >= begin) & (times_b <= end)
    n_possible = min(np.count_nonzero(in_a), np.count_nonzero(in_b))
    if not n_possible:
        return None
    n_peaks = _n_near(times_a[in_a], bins_a[in_a], times_b[in_b], bins_b[in_b])
    return Match(
        offset=hop / HOPS_PER_SECOND,
        seconds=int(end - begin) / HOPS_PER_SECOND,
        share=float(min(1.0, n_peaks / n_possible)),
        n_peaks=n_peaks,
        n_hashes=_n_common_hashes(a, b, hop),
    )


def _n_near(times_a: np.ndarray, bins_a: np.ndarray, times_b: np.ndarray, bins_b: np.ndarray) -> int:
    """Return how many peaks of `a` have a peak of `b` near them."""
    points = np.sort(times_b * 256 + bins_b)
    near = np.zeros(len(times_a), bool)
    for step in range(-NEAR_HOPS, NEAR_HOPS + 1):
        lowest = (times_a + step) * 256 + bins_a - NEAR_BINS
        at = np.searchsorted(points, lowest)
        near |= (at < len(points)) & (points[np.minimum(at, len(points) - 1)] <= lowest + 2 * NEAR_BINS)
    return int(np.count_nonzero(near))


def _n_common_hashes(a: bytes, b: bytes, hop: int) -> int:
    """Return how many different hashes two sounds share at a shift, give or take one hop."""
    of_a, of_b = _timed(a), _timed(b)
    if not len(of_a):
        return 0
    common = np.zeros(len(of_b), bool)
    for step in (-1, 0, 1):
        shifted = of_b + (hop + step)
        common |= of_a[np.minimum(np.searchsorted(of_a, shifted), len(of_a) - 1)] == shifted
    return len(np.unique(of_b[common] >> 32))


@functools.lru_cache(maxsize=16)  # a sound is compared with many others in a row
def _timed(made: bytes) -> np.ndarray:
    """Return hashes with their hops, sorted: int64 to which hops can be added."""
    values, times = hashes(made)
    return np.sort((values.astype(np.int64) >> 1 << 32) + times + _TIME)
