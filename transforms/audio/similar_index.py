"""Look up sounds, one after the other, in an index of some sounds: which of these are copies of it.

The index is made once, of the sounds that are few; the others are as many as there are, and none of them stays in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from transforms.audio.similar_sounds import LEAST_HASHES, Match, aligned, hashes

MAX_HASHES = 1 << 25  # kept in the index: 400 MB
MAX_SAME = 1000  # entries with one hash: a hash that more have tells nothing, and would cost much
LEAST_VOTES = 2  # different hashes at one shift that make a candidate, where only a part of all hashes is kept
_MIDDLE = np.int64(1 << 31)  # added to shifts, which may be negative


class SoundIndex:
    """Fingerprints by their hashes."""

    def __init__(self, fingerprints: Sequence[bytes], max_hashes: int = MAX_HASHES):
        """Make the index.

        Args:
            fingerprints: fewer than 2**31; those without peaks are found by no sound.
            max_hashes: how many hashes are kept at most. Which are kept depends on their values, so that copies keep the same ones.
        """
        self._fingerprints = fingerprints
        parts = [hashes(made) for made in fingerprints]
        n_hashes = sum(len(values) for values, _ in parts)
        self._one_in = 1 << max(0, (max(0, n_hashes - 1) // max_hashes).bit_length())
        kept = [self._kept(*part) for part in parts]
        values = np.concatenate([values for values, _ in kept]) if kept else np.zeros(0, np.uint32)
        order = np.argsort(values, kind="stable")
        self._values = values[order]
        self._owners = np.repeat(np.arange(len(kept), dtype=np.uint32), [len(values) for values, _ in kept])[order]
        self._hops = np.concatenate([hops for _, hops in kept]).astype(np.uint32)[order] if kept else np.zeros(0, np.uint32)

    def copies_of(self, made: bytes) -> Iterator[tuple[int, Match]]:
        """Yield the number of each sound of the index that a sound is a copy of, and how both agree, in order."""
        values, hops = self._kept(*hashes(made))
        first, end = (np.searchsorted(self._values, values, side=side) for side in ("left", "right"))
        n_same = np.where(end - first > MAX_SAME, 0, end - first)
        if not n_same.any():
            return
        of_made = np.repeat(np.arange(len(values)), n_same)
        of_index = np.arange(len(of_made)) - np.repeat(np.cumsum(n_same) - n_same, n_same) + np.repeat(first, n_same)
        shifts = self._hops[of_index].astype(np.int64) - hops[of_made] + _MIDDLE
        for owner, shift in self._candidates(self._owners[of_index].astype(np.int64) << 32 | shifts, values[of_made]):
            match = aligned(self._fingerprints[owner], made, shift)
            if match is not None:
                yield owner, match

    def _kept(self, values: np.ndarray, hops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the hashes of a sound that the index holds, with their hops."""
        kept = values % self._one_in == 0
        return values[kept], hops[kept]

    def _candidates(self, spots: np.ndarray, values: np.ndarray) -> Iterator[tuple[int, int]]:
        """Yield each sound that has enough different hashes at one shift, give or take one hop, with the shift that has most.

        Args:
            spots: sound times 2**32 plus shift, int64 `(n_votes,)`.
            values: hashes, uint32 `(n_votes,)`.
        """
        order = np.lexsort((values, spots))
        spots, values = spots[order], values[order]
        is_new = np.ones(len(spots), bool)
        is_new[1:] = (spots[1:] != spots[:-1]) | (values[1:] != values[:-1])
        spots, counts = np.unique(spots[is_new], return_counts=True)
        around = counts.copy()
        for step in (-1, 1):
            at = np.minimum(np.searchsorted(spots, spots + step), len(spots) - 1)
            around += np.where(spots[at] == spots + step, counts[at], 0)
        enough = around >= (LEAST_HASHES if self._one_in == 1 else LEAST_VOTES)
        spots, counts, around = spots[enough], counts[enough], around[enough]
        owners = spots >> 32
        best = np.lexsort((spots, -counts, -around, owners))
        for position in best[np.diff(owners[best], prepend=-1) != 0]:
            yield int(owners[position]), int((spots[position] & 0xFFFFFFFF) - _MIDDLE)
