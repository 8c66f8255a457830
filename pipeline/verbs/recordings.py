"""Find local recordings that were replaced since their shards were made: same path, other bytes."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cache
from pathlib import Path

from pipeline.output.books import read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.moved_shards import held_folder
from pipeline.output.plan_files import read_rows_of
from pipeline.output.recordings_file import LocalFile, Recordings
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.records import Clip, Rejected, ShardId
from transforms.fetching.fetch import Fetcher

MISSING = (-1, 0)
ReplacedSince = Callable[[ShardId, str, ShardId, Set[str]], frozenset[str]]
"""(planned shard, folder of a held shard, held shard, keys) -> those of the keys whose recordings were replaced."""
Replaced = Mapping[ShardId, frozenset[str]]
"""Shard -> keys of the clips whose recordings were replaced."""


def note_recordings(planned: Iterable[tuple[ShardId, Iterable[Clip]]], fetcher: Fetcher) -> Recordings:
    """Return size and time of the local files that the clips of planned shards are read from. Call it before they are read."""
    shards, state, files = set[ShardId](), _states(fetcher), []
    for shard, clips in planned:
        shards.add(shard)
        for clip in clips:
            if (path := fetcher.local_file(clip)) is not None:
                relative = os.path.relpath(path, fetcher.base)
                files.append(LocalFile(shard.name, clip.key, relative, *state(relative)))
    return Recordings(frozenset(shards), tuple(files))


def find_replaced(snapshot: Snapshot, noted: Recordings, fetcher: Fetcher) -> Replaced:
    """Return the clips whose recordings hold other bytes than when their shards were made.

    A file with the same size and time is assumed to be the same; any other file is read and compared with the hash in the books.
    A recording that is missing was not replaced: its sample stays.
    """
    built = {planned.shard for planned in snapshot.plan.shards if planned.shard in snapshot.markers} if snapshot.plan else set()
    state, suspects = _states(fetcher), defaultdict[ShardId, set[str]](set)
    for file in noted.files:
        if state(file.path) not in {(file.size, file.modified), MISSING}:
            suspects[ShardId.parse(file.shard)].add(file.key)
    replaced = {shard: _with_other_bytes(snapshot.folder, shard, suspects.get(shard), fetcher) for shard in built & suspects.keys()}
    replaced |= {shard: _with_other_bytes(snapshot.folder, shard, None, fetcher) for shard in built - noted.shards}
    return {shard: keys for shard, keys in replaced.items() if keys}


def replaced_since(folder: Folder, noted: Recordings, fetcher: Fetcher) -> ReplacedSince:
    """Return a function that says which clips of a planned shard have other recordings now than when a held shard was made.

    As in `find_replaced` a file of the size and time that were noted is assumed to be the same; all others are compared by their hash.
    """
    state, files = _states(fetcher), {(file.shard, file.key): file for file in noted.files}

    def is_as_noted(held: ShardId, key: str) -> bool:
        file = files.get((held.name, key))
        return file is not None and state(file.path) in {(file.size, file.modified), MISSING}

    def replaced(planned: ShardId, below: str, held: ShardId, keys: Set[str]) -> frozenset[str]:
        suspects = frozenset(key for key in keys if not is_as_noted(held, key))
        clips = read_rows_of(folder, planned) if suspects else []
        return _differing(held_folder(folder, below), held, clips, suspects, fetcher)

    return replaced


def _with_other_bytes(folder: Folder, shard: ShardId, keys: Set[str] | None, fetcher: Fetcher) -> frozenset[str]:
    """Return the keys of clips whose recordings differ from the hash in the books; `keys` are those to check, `None`: all."""
    return _differing(folder, shard, read_rows_of(folder, shard), keys, fetcher)


def _differing(folder: Folder, shard: ShardId, clips: Iterable[Clip], keys: Set[str] | None, fetcher: Fetcher) -> frozenset[str]:
    """Return the keys of those of some clips whose recordings differ from the hash in the books of a shard."""
    try:
        table = read_books(folder, shard, ["key", "source_sha256"])
    except (FileNotFoundError, DamagedFileError):  # damaged: the shard is made again anyway
        return frozenset()
    in_books = dict(zip(table["key"].to_pylist(), table["source_sha256"].to_pylist(), strict=True))
    hashes: dict[tuple[str, str | None, str], str | None] = {}
    replaced = set()
    for clip in clips:
        if clip.key not in in_books or (keys is not None and clip.key not in keys) or fetcher.local_file(clip) is None:
            continue
        request = clip.url, clip.audio_root, clip.id if clip.audio_root else ""
        if request not in hashes:
            hashes[request] = _hash(clip, fetcher)
        if hashes[request] not in {in_books[clip.key], None}:
            replaced.add(clip.key)
    return frozenset(replaced)


def _hash(clip: Clip, fetcher: Fetcher) -> str | None:
    """Return the current hash of a recording; `None` where it cannot be read."""
    with tempfile.TemporaryDirectory(prefix="laion-audio-") as work:
        try:
            return fetcher(clip, Path(work)).provenance.sha256
        except Rejected:
            return None


def _states(fetcher: Fetcher) -> Callable[[str], tuple[int, int]]:
    """Return a function that gives size and time of a file relative to the recipe's folder, and reads them once for each file."""

    @cache
    def state(path: str) -> tuple[int, int]:
        try:
            stat = (fetcher.base / path).stat()
        except (OSError, ValueError):
            return MISSING
        return stat.st_size, stat.st_mtime_ns

    return state
