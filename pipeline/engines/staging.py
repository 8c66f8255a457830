"""Copy the recordings of the user below the output folder before a build, so that workers on other machines need no path of this machine.

Each recording is read here once, as a local build reads it, and is uploaded under its hash. A resume uploads only what is missing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.keys import stable_hash
from pipeline.output.address_files import full_address
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import STAGED, staged_recording_name
from pipeline.output.plan_files import read_rows_of
from pipeline.output.storage import Folder
from pipeline.records import Clip, Rejected, ShardId
from transforms.fetching.fetch import Fetcher
from transforms.fetching.roots.audio_root import AudioRootHandler
from transforms.fetching.staged import StagedFile, StagedFiles, may_be_on_disk, read_staged_files, write_staged_files
from transforms.shards.shard_task import ShardTask

N_UPLOADS = 16
"""Recordings that are read and uploaded at the same time: an upload waits for the network most of the time."""


def stage_recordings(tasks: Iterable[ShardTask], fetcher: Fetcher, folder: Folder) -> int:
    """Copy the recordings of the clips of shards that are on this disk; return how many were uploaded.

    Args:
        fetcher: that of a local build.
        folder: an output folder in an object store.

    Raises:
        OSError: an upload failed; the copies that are complete stay.
    """
    assert not folder.is_local, "publishing to a local folder would move the recordings of the user"
    stager = _Stager(fetcher.here(), folder, set(_copies(folder)))
    with ThreadPoolExecutor(N_UPLOADS) as pool:
        for task in tasks:
            stager.stage(task, pool)
    return len(stager.uploaded)


def remove_staged(folder: Folder) -> None:
    """Remove the copies of a build that is complete: its shards hold the audio, and a later build copies it out of them."""
    folder.remove_below(STAGED)


def _copies(folder: Folder) -> Iterable[str]:
    """Yield the hashes of the recordings that were copied: one listing."""
    return (name.rpartition("/")[2] for name in folder.files_below(f"{STAGED}/recordings"))


@dataclass(frozen=True, slots=True)
class _Stager:
    """Copies the recordings of one shard after another. `present` are the hashes of all copies, `uploaded` of those that it made."""

    fetcher: Fetcher
    folder: Folder
    present: set[str]
    uploaded: set[str] = field(default_factory=set)

    def stage(self, task: ShardTask, pool: ThreadPoolExecutor) -> None:
        """Copy the recordings of a shard, and write which clip is made from which copy; nothing where no clip may be on this disk."""
        addresses = dict(task.addresses)
        clips = [clip for clip in read_rows_of(self.folder, task.shard) if may_be_on_disk(clip)]
        if not clips:
            return
        known = _known(task.shard, self.folder)
        groups: dict[object, list[Clip]] = {}
        for clip in clips:
            full = replace(clip, url=full_address(clip, addresses))
            groups.setdefault((full.url, full.audio_root, full.id if full.audio_root else ""), []).append(full)
        files: dict[str, StagedFile] = {}
        for part in pool.map(lambda group: self._find_all(group, known), groups.values()):
            files |= part
        write_staged_files(files, task.shard, self.folder)

    def _find_all(self, clips: list[Clip], known: StagedFiles) -> dict[str, StagedFile]:
        """Return what is found for clips that name the same recording; each file is read once for all of them."""
        files: dict[str, StagedFile] = {}
        read: dict[object, StagedFile] = {}
        for clip in clips:
            try:
                handler = self.fetcher.handler_of(clip)
            except Rejected as rejected:
                files[clip.key] = _rejection(rejected)
                continue
            if handler is None:
                continue
            of_root = handler.file_of(clip) if isinstance(handler, AudioRootHandler) else None
            file = (of_root.name, of_root.offset) if of_root is not None else None
            if file not in read:
                read[file] = self._find(clip, of_root.name if of_root is not None else "", known.get(clip.key))
            files[clip.key] = replace(read[file], is_excerpt=of_root is not None and of_root.is_excerpt)
        return files

    def _find(self, clip: Clip, name: str, known: StagedFile | None) -> StagedFile:
        """Return what is found for a clip, whose file has this name in its `audio_root`; copy the recording unless its copy is there."""
        state = self._state(clip, name)
        if known is not None and state and known.state == state and known.sha256 in self.present:
            return known
        with tempfile.TemporaryDirectory(prefix="laion-audio-") as work:
            try:
                recording = self.fetcher(clip, Path(work))
            except Rejected as rejected:
                return _rejection(rejected)
            facts = recording.provenance
            assert facts.sha256 is not None and facts.n_bytes is not None
            if facts.sha256 not in self.present:
                self.folder.publish(recording.path, staged_recording_name(facts.sha256))
                self.present.add(facts.sha256)
                self.uploaded.add(facts.sha256)
        return StagedFile(state, facts.sha256, facts.n_bytes, recording.offset)

    def _state(self, clip: Clip, name: str) -> str:
        """Return the hash of path, size and time of the file that a clip is read from, and of what is read in it; "" without a file."""
        path = self.fetcher.local_file(clip)
        try:
            facts = path.stat() if path is not None else None
        except OSError:
            return ""
        return stable_hash(clip.url, name, str(path), facts.st_size, facts.st_mtime_ns) if facts is not None else ""


def _rejection(rejected: Rejected) -> StagedFile:
    return StagedFile(reason=rejected.reason.value, detail=rejected.detail)


def _known(shard: ShardId, folder: Folder) -> Mapping[str, StagedFile]:
    """Return what an earlier run found for a shard; nothing where it did not get so far."""
    try:
        return read_staged_files(shard, folder)
    except (FileNotFoundError, DamagedFileError):
        return {}
