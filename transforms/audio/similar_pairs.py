"""Find the similar sounds among many fingerprints, by an index of their hashes; each pair found is compared with `aligned`.

Not every sound is compared with every other one. All hashes are sorted, in parts that fit into memory, and equal ones give candidates.
Where there are many sounds a share of the hashes is enough: which are kept depends on their values, so that copies keep the same ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transforms.audio.similar_sounds import FAN, Match, aligned, hashes

MAX_HASHES = 1 << 28  # kept of all sounds: 3.2 GB on disk while they are sorted
PART = 1 << 22  # hashes or candidates sorted at once: about 300 MB of memory
NEIGHBOURS = 16  # sounds with the same hash that a sound is paired with: more are copies of each other, and form a chain
LEAST_VOTES = 2  # different hashes at one shift that make a candidate
Judge = Callable[[bytes, bytes, int], Match | None]
"""(fingerprint, another one, hops by which it is shifted) -> how they agree, `None` where they are not copies."""
_HASH = np.dtype([("hash", "<u4"), ("sound", "<u4"), ("hop", "<u4")])
_VOTE = np.dtype([("a", "<u4"), ("b", "<u4"), ("shift", "<i4"), ("hash", "<u4")])


@dataclass(frozen=True, slots=True)
class SimilarPair:
    """Two sounds that are copies: their numbers, `a` below `b`, and how they agree."""

    a: int
    b: int
    match: Match


def similar_pairs(fingerprints: Sequence[bytes], max_hashes: int = MAX_HASHES, judge: Judge = aligned) -> Iterator[SimilarPair]:
    """Yield all pairs of similar sounds in order.

    Args:
        fingerprints: fewer than 2**32; those without peaks are in no pair.
        max_hashes: how many hashes are kept at most; it limits disk and time.
        judge: decides about a candidate.
    """
    n_hashes = sum(len(made) for made in fingerprints) // 2 * (FAN * (FAN - 1) // 2)
    one_in = 1 << max(0, (n_hashes // max_hashes).bit_length())
    with tempfile.TemporaryDirectory(prefix="similar-") as folder:
        index = _Parts(Path(folder), "hashes", _HASH, 1 + n_hashes // one_in // PART)
        for number, made in enumerate(fingerprints):
            values, hops = hashes(made)
            kept = values % one_in == 0 if one_in > 1 else slice(None)
            index.add(_records(_HASH, values[kept], number, hops[kept]), values[kept] // one_in)
        votes = _Parts(Path(folder), "votes", _VOTE, index.n_parts)
        for part in index.parts():
            for found in _votes(part):
                votes.add(found, found["a"])
        pairs = [pair for part in votes.parts() for pair in _confirmed(part, fingerprints, judge)]
    yield from sorted(pairs, key=lambda pair: (pair.a, pair.b))


def _votes(part: np.ndarray) -> Iterator[np.ndarray]:
    """Yield two sounds and the shift between them for each hash that both have; a hash of very many sounds pairs neighbours only."""
    part = part[np.lexsort((part["hop"], part["sound"], part["hash"]))]
    for distance in range(1, NEIGHBOURS + 1):
        first, second = part[:-distance], part[distance:]
        is_pair = first["hash"] == second["hash"]
        if not is_pair.any():
            return
        is_pair &= first["sound"] != second["sound"]
        first, second = first[is_pair], second[is_pair]
        shifts = first["hop"].astype(np.int64) - second["hop"].astype(np.int64)
        yield _records(_VOTE, first["sound"], second["sound"], shifts, first["hash"])


def _confirmed(votes: np.ndarray, fingerprints: Sequence[bytes], judge: Judge) -> Iterator[SimilarPair]:
    """Yield the pairs that have enough votes for one shift, and agree there."""
    votes = np.unique(votes)  # a hash that a sound has several times at one shift counts once
    order = np.lexsort((votes["shift"], votes["b"], votes["a"]))
    a, b, shift = (votes[name][order].astype(np.int64) for name in ("a", "b", "shift"))
    if not len(a):
        return
    starts = np.flatnonzero(np.diff(a, prepend=-1) | np.diff(b, prepend=-1))
    sizes = np.diff(starts, append=len(a))
    for start, size in zip(starts[sizes >= LEAST_VOTES], sizes[sizes >= LEAST_VOTES], strict=True):
        values, counts = np.unique(shift[start : start + size], return_counts=True)
        around = np.array([counts[np.abs(values - value) <= 1].sum() for value in values])
        if around.max() < LEAST_VOTES:
            continue
        best = int(values[np.lexsort((values, -counts, -around))[0]])
        match = judge(fingerprints[a[start]], fingerprints[b[start]], best)
        if match is not None:
            yield SimilarPair(int(a[start]), int(b[start]), match)


class _Parts:
    """Records on disk in parts, each of which fits into memory; equal numbers go to one part."""

    def __init__(self, folder: Path, name: str, kind: np.dtype, n_parts: int):
        self.n_parts = n_parts
        self._kind = kind
        self._paths = [folder / f"{name}-{number}" for number in range(n_parts)]
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._n_waiting = 0

    def add(self, records: np.ndarray, numbers: np.ndarray) -> None:
        """Add records; `numbers` says for each to which part it goes."""
        self._waiting.append((records, numbers % self.n_parts))
        self._n_waiting += len(records)
        if self._n_waiting >= PART:
            self._write()

    def parts(self) -> Iterator[np.ndarray]:
        """Yield the records of each part, and remove them from the disk."""
        self._write()
        for path in self._paths:
            if path.exists():
                yield np.fromfile(path, self._kind)
                path.unlink()

    def _write(self) -> None:
        if not self._n_waiting:
            return
        records = np.concatenate([records for records, _ in self._waiting])
        parts = np.concatenate([parts for _, parts in self._waiting])
        order = np.argsort(parts, kind="stable")
        ends = np.cumsum(np.bincount(parts, minlength=self.n_parts))
        for path, some in zip(self._paths, np.split(records[order], ends[:-1]), strict=True):
            with path.open("ab") as file:
                some.tofile(file)
        self._waiting, self._n_waiting = [], 0


def _records(kind: np.dtype, *columns: np.ndarray | int) -> np.ndarray:
    """Return columns of equal length as records."""
    n_records = max(len(column) for column in columns if isinstance(column, np.ndarray))
    records = np.empty(n_records, kind)
    for name, column in zip(kind.names or (), columns, strict=True):
        records[name] = column
    return records
