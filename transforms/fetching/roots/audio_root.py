"""Fetch recordings the user already has: search `audio_root`, a folder or an archive, by path, file name and id."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pipeline.records import Clip, Evidence, Recording, Rejected
from sources.metadata.file_names import FileNames
from transforms.fetching.folders import LocalFolders
from transforms.fetching.local import local_recording, resolved
from transforms.fetching.roots.archive_cache import ArchiveCache
from transforms.fetching.roots.excerpt_files import ExcerptFiles, video_of_recording
from transforms.fetching.roots.folder_root import FolderRoot, is_file
from transforms.fetching.roots.open_root import open_root
from transforms.fetching.roots.root_addresses import ADDRESS


class AudioRoot(Protocol):
    """A folder or an archive of recordings."""

    @property
    def names(self) -> FileNames:
        """The names of its files."""

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """What was not read, as (name, why)."""

    def find(self, path: str, is_address: bool) -> str | None:
        """Return the name of the file that a path means; `None` without one.

        Raises:
            Rejected: `ambiguous`, when several files are meant equally.
        """

    @property
    def evidence(self) -> Evidence | None:
        """What was recorded of it when it was fetched; `None` for what was always on this disk."""

    def local_file(self, name: str) -> Path | None:
        """Return the file of the user that a recording is read from; `None` for what was fetched."""

    def extract(self, name: str, work: Path) -> Path:
        """Return a local file with the recording of that name, unpacked into `work` where needed."""


@dataclass(frozen=True, slots=True)
class RootFile:
    """The file of a clip in its audio_root: its name, and where in the recording it begins, in seconds.

    `is_excerpt` says that the file holds the excerpt of this clip, and serves no other clip of the recording.
    """

    root: AudioRoot
    name: str
    offset: float = 0.0
    is_excerpt: bool = False


class AudioRootHandler:
    """Fetches recordings from the `audio_root` of their clips; leaves clips that it does not hold to other handlers.

    Args:
        cache: where archives are fetched and unpacked.
        takes: whether an `audio_root` is one of those that this handler reads; clips of others are left to other handlers.
    """

    def __init__(self, folders: LocalFolders, cache: ArchiveCache, takes: Callable[[str], bool] = lambda _: True):
        self._folders = folders
        self._cache = cache
        self._takes = takes
        self._roots: dict[str, AudioRoot] = {}
        self._excerpts: dict[str, ExcerptFiles] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip has an audio_root, and the recording is in it.

        Raises:
            Rejected: `ambiguous`, or as `open_root`.
        """
        return self.name_of(clip) is not None

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return the file itself, or a copy of the archive's member below `work`.

        Raises:
            Rejected: as `ArchiveRoot.extract` and `local_recording`.
        """
        file = self._found(clip)
        root = file.root
        if isinstance(root, FolderRoot):
            recording = local_recording(root.path / file.name, resolved((root.path, *self._folders.allowed)))
        else:
            recording = local_recording(root.extract(file.name, work))
            recording = replace(recording, provenance=replace(recording.provenance, evidence=root.evidence))
        return replace(recording, offset=file.offset) if file.offset else recording

    def local_file(self, clip: Clip) -> Path | None:
        """Return the file in the folder, or the archive that holds it; `None` where that was fetched."""
        file = self._found(clip)
        return file.root.local_file(file.name)

    def is_excerpt(self, clip: Clip) -> bool:
        """Return whether the audio_root has a file that holds the excerpt of the clip alone; `False` where several files may be meant."""
        try:
            file = self.file_of(clip)
        except Rejected:
            return False
        return file is not None and file.is_excerpt

    def name_of(self, clip: Clip) -> str | None:
        """Return the name of the recording of a clip in its audio_root; `None` when it is not there.

        Raises:
            Rejected: `ambiguous`, when several files are meant equally and the path of the row is no file.
        """
        file = self.file_of(clip)
        return file.name if file is not None else None

    def file_of(self, clip: Clip) -> RootFile | None:
        """Return the file of a clip in its audio_root; `None` when it is not there.

        A file that is named after an excerpt of a video comes first. A file that is named by the video alone holds all of it, or
        begins at `clip.file_start`.

        Raises:
            Rejected: as `name_of`.
        """
        if clip.audio_root is None or not self._takes(clip.audio_root):
            return None
        root = self.root_of(clip)
        if (name := self._excerpts[clip.audio_root].find(clip)) is not None:
            return RootFile(root, name, clip.start or 0.0, is_excerpt=True)
        name = self._full_recording(root, clip)
        if name is None:
            return None
        return RootFile(root, name, clip.file_start or 0.0, is_excerpt=clip.file_start is not None)

    def _full_recording(self, root: AudioRoot, clip: Clip) -> str | None:
        """Return the name of the file that the address or path of a clip means, or that is named by its id, or by its video."""
        assert clip.audio_root is not None
        is_address, video = ADDRESS.match(clip.url) is not None, video_of_recording(clip)
        path = path_of(clip.url) if is_address else self._folders.given_path(clip, self._folders.base / clip.audio_root)
        names = (clip.id, *((video, f"Y{video}") if video else ()))  # AudioSet's tools write a Y before the video
        try:
            by_path = root.find(path, is_address) if clip.url else None
            return by_path or next(filter(None, map(root.names.find_id, names)), None)
        except Rejected:
            if clip.url and not is_address and is_file(self._folders.base / clip.url):
                return None
            raise

    def alike(self, clip: Clip) -> str | None:
        """Return the first file in the audio_root of a clip that has the file name of its path, in whatever folder; `None` without one."""
        has_root = clip.audio_root is not None and self._takes(clip.audio_root)
        names = self.root_of(clip).names.alike(clip.url) if has_root else []
        return names[0] if names else None

    def root_of(self, clip: Clip) -> AudioRoot:
        """Return the audio_root of a clip that has one; it is opened once.

        Raises:
            Rejected: as `open_root`.
        """
        assert clip.audio_root is not None
        text = clip.audio_root
        with self._lock:
            lock = self._locks.setdefault(text, threading.Lock())
        with lock:  # one thread fetches the archive and reads the list of names, the others wait for it
            if text not in self._roots:
                self._roots[text] = root = open_root(text, self._folders, self._cache)
                self._excerpts[text] = ExcerptFiles(root.names)
            return self._roots[text]

    def _found(self, clip: Clip) -> RootFile:
        file = self.file_of(clip)
        assert file is not None
        return file


def path_of(url: str) -> str:
    """Return the path of an address, without its host, query and fragment.

    >>> path_of("https://example.org/x/heavy%20rain.ogg?token=1#t=3")
    'x/heavy%20rain.ogg'
    """
    try:
        return urlsplit(url).path.lstrip("/")
    except ValueError:  # half an IPv6 address
        return url.split("?", 1)[0].rpartition("/")[2]
