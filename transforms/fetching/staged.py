"""Fetch recordings that were copied below the output folder, because they are on the machine of the user and workers are not.

The machine of the user finds the file of each clip, or the reason why there is none, exactly as a local build does. Workers read what it
found. So books and samples are equal to those of a local build.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import staged_files_name, staged_recording_name
from pipeline.output.storage import Folder
from pipeline.records import Clip, Provenance, Reason, Recording, Rejected, ShardId
from sources.metadata.local_paths import ADDRESS
from transforms.fetching.bundled import BUNDLED
from transforms.fetching.roots.root_addresses import is_on_disk

BLOCK = 1 << 22  # bytes of one request
EMBEDDED = "parquet:"


@dataclass(frozen=True, slots=True)
class StagedFile:
    """What the machine of the user found for a clip: a recording, or the reason why there is none.

    `state` is the hash of the file's path, size and time, "" where no file was found: a resume copies only files that have changed.
    The recording has `n_bytes` bytes with the hash `sha256`; it begins at `offset` seconds, and `is_excerpt` says that it serves this
    clip alone.
    """

    state: str = ""
    sha256: str = ""
    n_bytes: int = 0
    offset: float = 0.0
    is_excerpt: bool = False
    reason: str = ""
    detail: str = ""


StagedFiles = Mapping[str, StagedFile]
"""Sample key -> what was found for the clip; clips that are fetched from elsewhere have no entry."""


def may_be_on_disk(clip: Clip) -> bool:
    """Return whether a clip may be read from the disk of the user; `False` only where that is certain.

    >>> may_be_on_disk(Clip("table", "Set", "train", "1", "rain.wav")), may_be_on_disk(Clip("table", "Set", "train", "1", "https://a.org/b"))
    (True, False)
    """
    if clip.audio_root is not None and is_on_disk(clip.audio_root):
        return True
    is_address = ADDRESS.match(clip.url) is not None and not clip.url.startswith(EMBEDDED)
    return bool(clip.url) and not is_address and not clip.url.startswith(BUNDLED)


def write_staged_files(files: StagedFiles, shard: ShardId, folder: Folder) -> None:
    """Write what was found for the clips of a shard."""
    folder.write_json(staged_files_name(shard), {key: asdict(file) for key, file in files.items()})


def read_staged_files(shard: ShardId, folder: Folder) -> dict[str, StagedFile]:
    """Return what was found for the clips of a shard.

    Raises:
        FileNotFoundError: nothing was written for it.
        DamagedFileError: the file is damaged.
    """
    content: Any = folder.read_json(staged_files_name(shard))
    try:
        return {key: StagedFile(**fields) for key, fields in content.items()}
    except (AttributeError, TypeError) as error:
        raise DamagedFileError(staged_files_name(shard), str(error)) from error


class StagedHandler:
    """Fetches the copies that were made for the clips of one shard."""

    def __init__(self, folder: Folder, shard: ShardId):
        self._folder = folder
        self._shard = shard

    @cached_property
    def _files(self) -> StagedFiles:
        return read_staged_files(self._shard, self._folder)

    def matches(self, clip: Clip) -> bool:
        """Return whether the machine of the user found the clip, or a reason why it cannot be had."""
        return self.file_of(clip) is not None

    def file_of(self, clip: Clip) -> StagedFile | None:
        """Return what was found for a clip; `None` for a clip that is fetched from elsewhere.

        Raises:
            FileNotFoundError: it may be on the disk of the user, and nothing was written for its shard.
        """
        return self._files.get(clip.key) if may_be_on_disk(clip) else None

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Copy the recording below `work`.

        Raises:
            Rejected: with the reason that was found.
            DamagedFileError: the copy has other bytes than the recording had; it is removed, so that the next build copies again.
        """
        file = self._files[clip.key]
        if file.reason:
            raise Rejected(Reason(file.reason), file.detail)
        name, target, digest = staged_recording_name(file.sha256), work / "staged", hashlib.sha256()
        with self._folder.open(name) as source, target.open("wb") as copy:
            while block := source.read(BLOCK):
                digest.update(block)
                copy.write(block)
        if digest.hexdigest() != file.sha256:
            target.unlink()
            self._folder.remove(name)
            raise DamagedFileError(name, "it is not the recording that was copied; run the same command again")
        return Recording(target, Provenance(n_bytes=file.n_bytes, sha256=file.sha256), file.offset)
