"""Fetch recordings the user already has: search `audio_root`, a folder, zip or tar, by path, file name and id."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pipeline.records import Clip, Reason, Recording, Rejected
from sources.metadata.file_names import FileNames, is_made_by_macos
from sources.metadata.folder_files import list_folder
from sources.metadata.recording_names import may_be_recording
from transforms.fetching.archives import DAMAGES, open_archive
from transforms.fetching.folders import LocalFolders
from transforms.fetching.local import local_recording, resolved

COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class AudioRoot(Protocol):
    """A folder or an archive of recordings."""

    @property
    def path(self) -> Path:
        """The folder or the archive."""

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

    def local_file(self, name: str) -> Path:
        """Return the file on this disk that a recording is read from."""

    def extract(self, name: str, work: Path) -> Path:
        """Return a local file with the recording of that name, unpacked into `work` where needed."""


class AudioRootHandler:
    """Fetches recordings from the `audio_root` of their clips; leaves clips that it does not hold to other handlers."""

    def __init__(self, folders: LocalFolders):
        self._folders = folders
        self._roots: dict[str, AudioRoot] = {}
        self._lock = threading.Lock()

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip has an audio_root, and the recording is in it.

        Raises:
            Rejected: `ambiguous`, or as `open_audio_root`.
        """
        return self.name_of(clip) is not None

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return the file itself, or a copy of the archive's member below `work`.

        Raises:
            Rejected: as `ArchiveRoot.extract` and `local_recording`.
        """
        root, name = self._found(clip)
        if isinstance(root, FolderRoot):
            return local_recording(root.path / name, resolved((root.path, *self._folders.allowed)))
        return local_recording(root.extract(name, work))

    def local_file(self, clip: Clip) -> Path:
        """Return the file in the folder, or the archive that holds it."""
        root, name = self._found(clip)
        return root.local_file(name)

    def name_of(self, clip: Clip) -> str | None:
        """Return the name of the recording of a clip in its audio_root; `None` when it is not there.

        Raises:
            Rejected: `ambiguous`, when several files are meant equally and the path of the row is no file.
        """
        if clip.audio_root is None:
            return None
        root, is_address = self.root_of(clip), ADDRESS.match(clip.url) is not None
        path = path_of(clip.url) if is_address else self._folders.given_path(clip, self._folders.base / clip.audio_root)
        try:
            return (root.find(path, is_address) if clip.url else None) or root.names.find_id(clip.id)
        except Rejected:
            if clip.url and not is_address and _is_file(self._folders.base / clip.url):
                return None
            raise

    def alike(self, clip: Clip) -> str | None:
        """Return the first file in the audio_root of a clip that has the file name of its path, in whatever folder; `None` without one."""
        names = self.root_of(clip).names.alike(clip.url) if clip.audio_root is not None else []
        return names[0] if names else None

    def root_of(self, clip: Clip) -> AudioRoot:
        """Return the audio_root of a clip that has one; it is opened once.

        Raises:
            Rejected: as `open_audio_root`.
        """
        assert clip.audio_root is not None
        with self._lock:  # one thread reads the list of names, the others wait for it
            if clip.audio_root not in self._roots:
                self._roots[clip.audio_root] = open_audio_root(self._folders.base / clip.audio_root, self._folders.allowed)
            return self._roots[clip.audio_root]

    def _found(self, clip: Clip) -> tuple[AudioRoot, str]:
        name = self.name_of(clip)
        assert name is not None
        return self.root_of(clip), name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long; a NUL
        return False


def path_of(url: str) -> str:
    """Return the path of an address, without its host, query and fragment.

    >>> path_of("https://example.org/x/heavy%20rain.ogg?token=1#t=3")
    'x/heavy%20rain.ogg'
    """
    try:
        return urlsplit(url).path.lstrip("/")
    except ValueError:  # half an IPv6 address
        return url.split("?", 1)[0].rpartition("/")[2]


def open_audio_root(path: Path, allowed: tuple[Path, ...] = ()) -> AudioRoot:
    """Open the folder or archive at `path`, and read its list of names.

    Args:
        allowed: folders outside of a folder that its links may lead to.

    Raises:
        Rejected: `unavailable`, when it is neither, or a compressed tar.
    """
    try:
        if path.is_dir():
            files = list_folder(path, allowed)
            names = FileNames(files.names, lambda name: os.path.realpath(path / name), may_be_recording)
            return FolderRoot(path, names, files.left_out)
        if not path.is_file():  # opening a pipe would wait for ever
            raise FileNotFoundError("no such file or folder")
        with path.open("rb") as file:
            head = file.read(6)
        for magic, name in COMPRESSED.items():
            if head.startswith(magic):
                raise Rejected(
                    Reason.UNAVAILABLE,
                    f"audio_root {path.name!r} is compressed ({name}), so that no member can be read without all before it: "
                    "unpack it into a folder, a zip or an uncompressed tar",
                )
        return open_archive(path)
    except DAMAGES as error:
        raise Rejected(
            Reason.UNAVAILABLE, f"audio_root {path.name!r} is neither a folder nor a zip or uncompressed tar: {error}"
        ) from error


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """A folder of recordings. `left_out` has (name, why) of links that are not followed and folders that may not be read."""

    path: Path
    names: FileNames
    left_out: tuple[tuple[str, str], ...] = ()

    def find(self, path: str, is_address: bool) -> str | None:
        """Return the name of the file that a path means; `None` without one. A path may lead through linked folders."""
        is_relative = path and not path.startswith(("/", ".."))
        if not is_address and is_relative and path not in self.names.names and _is_file(self.path / path) and not is_made_by_macos(path):
            return path
        return self.names.find(path, is_address)

    def local_file(self, name: str) -> Path:
        """Return the file."""
        return self.path / name

    def extract(self, name: str, work: Path) -> Path:
        """Return the file itself."""
        return self.path / name
