"""Index the samples of a set: where the bytes of each one lie in its shard. One memory-mapped array serves all processes."""

import hashlib
import multiprocessing
import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import overload

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from train.data.books import read_books
from train.data.members import LARGEST, SAMPLE, Member, Members, find_samples
from train.data.ranges import FAILURES, copy_file, fetch_file, first_line, open_remote, read_range, retry_transfer
from train.data.shards import REQUESTS, Shard
from train.data.tar import Entry, list_entries, list_opened
from train.errors import BadInput
from train.loop.atomic import atomic_write

FORMAT = 1  # of the files of an index
MANY, CHUNK = 400, 20  # local shards that are worth the start of processes; those that a process takes at once
MOST_PROCESSES = 16
MEMBERS, BOOKS = "members.npz", "books.parquet"  # the samples of one remote shard, by its headers or its books
ROWS, NAMES, STOPS = "samples", "names", "stops.npy"  # those files; stops: after each shard, how many samples there are


class SampleIndex(Sequence[tuple[Shard, Member]]):
    """The samples of some shards, in their order. Item i is the shard of sample i and its position there.

    The arrays are mapped into memory, so that 2.5 M samples take 0.2 GB on disk, once for all processes, and none in memory before they
    are used. `shards` have their counts filled in.
    """

    def __init__(self, folder: Path, shards: list[Shard]):
        self._folder = folder
        self._rows = np.memmap(folder / ROWS, SAMPLE, "r")
        self._names = np.memmap(folder / NAMES, np.uint8, "r")
        self._stops = np.load(folder / STOPS)
        counts = np.diff(self._stops, prepend=0).tolist()
        self.shards = [shard._replace(n_samples=count) for shard, count in zip(shards, counts, strict=True)]

    def __reduce__(self) -> tuple:
        """Let a worker that is not forked map the files itself."""
        return SampleIndex, (self._folder, self.shards)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, i: int) -> tuple[Shard, Member]: ...
    @overload
    def __getitem__(self, i: slice) -> list[tuple[Shard, Member]]: ...
    def __getitem__(self, i: int | slice) -> tuple[Shard, Member] | list[tuple[Shard, Member]]:
        if isinstance(i, slice):
            return [self[each] for each in range(*i.indices(len(self)))]
        number = range(len(self))[i]
        audio_start, text_start, audio_size, text_size, name_start = self._rows[number].item()
        name_end = self._rows[number + 1]["name_start"] if number + 1 < len(self) else len(self._names)
        key, _, ending = bytes(self._names[name_start:name_end]).rpartition(b".")
        member = Member(key.decode("utf-8", "replace"), audio_start, audio_size, text_start, text_size, ending == b"json")
        return self.shards[int(np.searchsorted(self._stops, number, "right"))], member

    def number_in_shard(self, i: int) -> int:
        """Return how many samples of its shard stand before sample i."""
        shard = int(np.searchsorted(self._stops, i, "right"))
        return i - int(self._stops[shard - 1]) if shard else i


def open_index(shards: list[Shard], cache: Path) -> SampleIndex:
    """Open the index of some shards, which is kept in the folder `cache` until one of them changes.

    Of several processes that need it, the first makes it, and the others wait. Raise BadInput if a shard cannot be used.
    """
    shards = _named(shards, cache)
    known = repr((FORMAT, [(shard.address, shard.cache_key, shard.n_samples) for shard in shards]))
    folder = cache / "index" / hashlib.sha256(known.encode()).hexdigest()[:24]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                _write_index(shards, cache, folder)
    return SampleIndex(folder, shards)


def _write_index(shards: list[Shard], cache: Path, folder: Path) -> None:
    """Write the arrays of an index, one shard after the other, below a temporary name."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    stops, n_bytes, n_samples = [], 0, 0
    with (part / ROWS).open("wb") as rows, (part / NAMES).open("wb") as names:
        for members in tqdm(_all_members(shards, cache), "index", len(shards), leave=False, disable=None):
            if n_bytes + len(members.names) > LARGEST:
                raise BadInput(f"the names of the samples have more than {LARGEST} bytes together; train on fewer shards")
            shifted = members.rows.copy()  # the members of a remote shard are kept for later calls
            shifted["name_start"] += np.uint32(n_bytes)
            rows.write(shifted.tobytes())
            names.write(members.names)
            n_bytes, n_samples = n_bytes + len(members.names), n_samples + len(members.rows)
            stops.append(n_samples)
        for file in (rows, names):
            file.flush()
            os.fsync(file.fileno())
    np.save(part / STOPS, np.array(stops))
    part.rename(folder)


def _all_members(shards: list[Shard], cache: Path) -> Iterator[Members]:
    """Yield the samples of each shard. Remote shards are asked for at the same time; many local ones are read by several processes."""
    work = partial(list_members, cache=cache)
    if any(shard.remote for shard in shards):
        with ThreadPoolExecutor(REQUESTS) as threads:
            yield from threads.map(work, shards)
    elif len(shards) < MANY or cores() < 2:
        yield from map(work, shards)
    else:
        with ProcessPoolExecutor(min(cores(), MOST_PROCESSES), multiprocessing.get_context("forkserver")) as processes:
            yield from processes.map(work, shards, chunksize=CHUNK)


def _named(shards: list[Shard], cache: Path) -> list[Shard]:
    """Fill in the cache keys that are not known. Raise BadInput if a server does not answer."""
    if all(shard.cache_key for shard in shards):
        return shards
    try:
        with ThreadPoolExecutor(REQUESTS) as threads:
            return list(threads.map(partial(name_by_books, cache=cache), shards))
    except FAILURES as error:
        raise BadInput(f"the books of the shards cannot be read: {first_line(error)}") from error


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def list_members(shard: Shard, cache: Path) -> Members:
    """List the samples of a shard: by its books, if it is remote and has any, or by the headers of the tar.

    What a remote shard takes requests for is kept in the cache folder until the shard changes. Raise BadInput if it cannot be read, or
    holds another number of samples than its sizes.json says.
    """
    if not shard.remote:
        return _scan(shard, cache)
    try:
        books = kept_books(shard, cache)
    except FAILURES as error:
        raise BadInput(f"{shard.books} cannot be read: {first_line(error)}") from error
    if books is not None:
        return books[0]
    kept = cache / shard.cache_key / MEMBERS
    if not kept.exists():
        members = _scan(shard, cache)
        with atomic_write(kept) as file:
            np.savez(file, rows=members.rows, names=np.frombuffer(members.names, np.uint8))
    with np.load(kept) as arrays:
        return Members(arrays["rows"], arrays["names"].tobytes())


def name_by_books(shard: Shard, cache: Path) -> Shard:
    """Fill in the cache key of a remote shard of which nothing but its address is known: a hash of its books, which are kept."""
    if shard.cache_key:
        return shard
    data = fetch_file(shard.books)
    named = shard._replace(cache_key=hashlib.sha256(shard.address.encode() + data).hexdigest()[:24])
    if not (kept := cache / named.cache_key / BOOKS).exists():
        with atomic_write(kept) as file:
            file.write(data)
    return named


@lru_cache(maxsize=REQUESTS)
def kept_books(shard: Shard, cache: Path) -> tuple[Members, list[str]] | None:
    """Return what the books of a remote shard say of its samples, fetching them once. None where they do not say it."""
    if not shard.books:
        return None
    kept = cache / shard.cache_key / BOOKS
    if not kept.exists():
        with atomic_write(kept) as file:
            file.write(fetch_file(shard.books))
    books = read_books(kept.read_bytes(), shard)
    return books if books and shard.n_samples in (-1, len(books[1])) else None


def _scan(shard: Shard, cache: Path) -> Members:
    """Read the headers of a tar, and return its samples."""
    kept = cache / shard.cache_key
    try:
        entries = _remote_entries(shard, kept) if shard.remote else list_entries(Path(shard.address))
        members = find_samples(entries, shard.address, lambda start, size: read_range(shard.address, start, size, kept))
    except tarfile.TarError as error:
        raise BadInput(f"{shard.address} is not a complete tar file: {error}") from error
    except FAILURES as error:
        raise BadInput(f"{shard.address} cannot be read: {first_line(error)}") from error
    if shard.n_samples not in (-1, len(members.rows)):
        raise BadInput(
            f"{shard.address} holds {len(members.rows)} samples, its sizes.json says {shard.n_samples}; build the set again, or delete"
            " sizes.json if another program wrote it"
        )
    return members


@retry_transfer
def _remote_entries(shard: Shard, kept: Path) -> list[Entry]:
    """List the files of a remote tar, reading about 4 kB each. If the server has no ranges, the tar is copied first."""
    try:
        return list_opened(open_remote(shard.address))
    except ValueError:
        return list_entries(copy_file(shard.address, kept))
