"""What an earlier build of a shard already made: its audio is copied, not fetched or decoded again."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.output.shard_files import books_name, facts_of, read_books, read_marker, tar_name
from pipeline.output.storage import Folder
from pipeline.records import Clip, Provenance, Reason, Rejection, Sample, ShardId, SourceFormat, Statistics, stable_hash
from transforms.audio.encode import IN_MEMORY, long_flac

PIECE = 1 << 20  # bytes of a long FLAC that are in memory at once


def audio_request_hash(clip: Clip, shape: str) -> str:
    """Return the name of the audio a row asks for: equal when its text changes, another when the audio could.

    Args:
        shape: hash of everything but rows and audio that shapes a sample.
    """
    return stable_hash(shape, clip.url, clip.start, clip.end, clip.audio_root, clip.id if clip.audio_root else "")[:16]


@dataclass(frozen=True, slots=True)
class PreviousShard:
    """Outcomes of an earlier build, by sample key; what is too long for memory is copied to files in `place`."""

    folder: Folder
    tar: str
    place: Path
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    def outcome(self, clip: Clip, shape: str) -> Sample | Rejection | None:
        """Return what became of a clip with the same audio, with the clip's own text; `None` when it has to be made."""
        row = self.rows.get(clip.key)
        if row is None or row["audio_request_hash"] != audio_request_hash(clip, shape):
            return None
        if row["status"] != "sample" and (Reason(row["reason"]).transient or row["reason"] == Reason.DUPLICATE):
            return None  # the world may answer differently, what it repeated may be gone
        return self.standing(clip)

    def standing(self, clip: Clip) -> Sample | Rejection:
        """Return what became of a clip, whatever that was made with, with the clip's own text."""
        row = self.rows[clip.key]
        provenance = Provenance(row["final_url"], row["http_status"], row["attempts"], row["source_bytes"], row["source_sha256"])
        if row["status"] != "sample":
            return Rejection(clip, Reason(row["reason"]), row["stage"], row["detail"], provenance)
        statistics = Statistics(**{part.name: row[part.name] for part in fields(Statistics)})
        source = SourceFormat(row["source_format"], row["source_rate"], row["source_channels"], row["decoder"])
        return Sample(clip, self._flac(clip.key), statistics, source, provenance)

    def _flac(self, key: str) -> bytes | Path:
        offset, size = self.places[key]
        with self.folder.open(self.tar) as tar:
            tar.seek(offset)
            if size <= IN_MEMORY:
                return tar.read(size)
            with long_flac(self.place) as copy:
                for at in range(0, size, PIECE):
                    copy.write(tar.read(min(PIECE, size - at)))
        return Path(copy.name)


def is_current(folder: Folder, shard: ShardId, clips: Sequence[Clip], shape: str) -> bool:
    """Whether a shard was made from just the requests for audio that a build would make of `clips` now; not when it is damaged."""
    try:
        books = read_books(folder, shard, ["key", "audio_request_hash"])
    except (FileNotFoundError, pa.ArrowInvalid):
        return False
    asked = dict(zip(books["key"].to_pylist(), books["audio_request_hash"].to_pylist(), strict=True))
    return all(asked.get(clip.key) == audio_request_hash(clip, shape) for clip in clips)


def read_previous_shard(folder: Folder, shard: ShardId, place: Path) -> PreviousShard:
    """Return what can be kept of a shard: nothing unless marker, books and tar are there and agree.

    Args:
        place: local folder for FLAC that is too long for memory.
    """
    nothing = PreviousShard(folder, tar_name(shard), place)
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
    places = {member.name.removesuffix(".flac"): (member.offset_data, member.size) for member in flacs}
    complete = all(row["key"] in places for row in rows.values() if row["status"] == "sample")
    known = {part.name for part in fields(Statistics)} <= set(next(iter(rows.values()), {}))  # books of an older version
    return PreviousShard(folder, tar_name(shard), place, rows, places) if complete and known else nothing
