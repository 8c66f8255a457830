"""Read a shard of an earlier build, so that its audio is copied and not fetched or decoded again."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.keys import stable_hash
from pipeline.output.books import SAMPLE, read_books, rejection_from, sample_from
from pipeline.output.layout import books_name, tar_name
from pipeline.output.markers import facts_of, read_marker
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Rejection, Sample, ShardId
from transforms.audio.encode import IN_MEMORY, long_flac

BLOCK = 1 << 20  # bytes: the part of a long FLAC that is in memory at once


def audio_request_hash(clip: Clip, settings_hash: str) -> str:
    """Return a hash that stays equal when only the text of a row changes, and changes when its audio could.

    Args:
        settings_hash: hash of the settings of the dataset.
    """
    return stable_hash(settings_hash, clip.url, clip.start, clip.end, clip.audio_root, clip.id if clip.audio_root else "")[:16]


@dataclass(frozen=True, slots=True)
class PreviousShard:
    """The outcomes of an earlier build, by sample key.

    `rows` are the rows of the books, `members` the position and size in bytes of each FLAC in the tar. FLAC too long for memory is
    copied to files in `work`.
    """

    folder: Folder
    tar: str
    work: Path
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, tuple[int, int]] = field(default_factory=dict)

    def reusable(
        self, clips: Sequence[Clip], settings_hash: str, in_other_shards: Mapping[str, str], replaced: Set[str] = frozenset()
    ) -> frozenset[str]:
        """Return the keys of the clips whose outcome a new build would not change.

        A clip that was left out as equal is made again when no other clip has its sound any more; so is a clip with a transient
        fault.

        Args:
            clips: the rows of the shard, in order.
            in_other_shards: hash of the frames -> key of the clip of another shard that keeps the sound.
            replaced: keys of the clips whose recordings were replaced.
        """
        keys, sounds = set(), set(in_other_shards)
        for clip in clips:
            row = self.rows.get(clip.key)
            if row is None or clip.key in replaced or row["audio_request_hash"] != audio_request_hash(clip, settings_hash):
                continue
            if row["status"] == SAMPLE:
                sounds.add(row["pcm_sha256"])
            elif Reason(row["reason"]).transient or (row["reason"] == Reason.DUPLICATE and row["pcm_sha256"] not in sounds):
                continue
            keys.add(clip.key)
        return frozenset(keys)

    def outcome(self, clip: Clip) -> Sample | Rejection:
        """Return the outcome of a clip, with the text of `clip`."""
        row = self.rows[clip.key]
        return sample_from(clip, self._flac(clip.key), row) if row["status"] == SAMPLE else rejection_from(clip, row)

    def _flac(self, key: str) -> bytes | Path:
        offset, size = self.members[key]
        with self.folder.open(self.tar) as tar:
            tar.seek(offset)
            if size <= IN_MEMORY:
                return tar.read(size)
            with long_flac(self.work) as copy:
                for at in range(0, size, BLOCK):
                    copy.write(tar.read(min(BLOCK, size - at)))
        return Path(copy.name)


def is_current(folder: Folder, shard: ShardId, clips: Sequence[Clip], settings_hash: str) -> bool:
    """Return whether a shard has the audio that a build would make of `clips` now; false when its books are missing or damaged."""
    try:
        books = read_books(folder, shard, ["key", "audio_request_hash"])
    except (FileNotFoundError, pa.ArrowInvalid):
        return False
    requests = dict(zip(books["key"].to_pylist(), books["audio_request_hash"].to_pylist(), strict=True))
    return all(requests.get(clip.key) == audio_request_hash(clip, settings_hash) for clip in clips)


def read_previous_shard(folder: Folder, shard: ShardId, work: Path) -> PreviousShard:
    """Return the outcomes that can be copied from a shard; none unless marker, books and tar exist and agree.

    Args:
        work: local folder for FLAC that is too long for memory.
    """
    nothing = PreviousShard(folder, tar_name(shard), work)
    marker = read_marker(folder, shard)
    if marker is None:
        return nothing
    try:
        if facts_of(folder, tar_name(shard)) != marker.tar or facts_of(folder, books_name(shard)) != marker.parquet:
            return nothing
        rows = {row["key"]: row for row in read_books(folder, shard).to_pylist()}
        with folder.open(tar_name(shard)) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            flacs = [member for member in tar if member.name.endswith(".flac")]
    except (FileNotFoundError, tarfile.TarError, pa.ArrowInvalid):
        return nothing
    members = {member.name.removesuffix(".flac"): (member.offset_data, member.size) for member in flacs}
    complete = all(row["key"] in members for row in rows.values() if row["status"] == SAMPLE)
    return PreviousShard(folder, tar_name(shard), work, rows, members) if complete else nothing
