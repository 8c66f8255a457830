"""Read recordings from a folder in an object store (`s3://`, `gs://`), with the keys that the environment of this machine holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.output.store_faults import NO_KEYS, faults_of_stores, file_system
from pipeline.records import Clip, Evidence, Provenance, Reason, Recording, Rejected
from sources.metadata.file_names import FileNames
from sources.metadata.recording_names import may_be_recording
from sources.metadata.store_files import STORES, join
from transforms.fetching.addresses import scheme_of
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots.root_addresses import root_scheme
from transforms.fetching.web.http import utc_now
from transforms.fetching.web.partial_download import PartialDownload

MAX_OBJECT_BYTES = 16 << 30  # of a recording in audio_root, as of one on this disk
BLOCK = 1 << 22  # bytes of one request
MAX_NAMES = 10_000_000  # of a folder: about as many as fit into 4 GB of memory


@dataclass(frozen=True, slots=True)
class RemoteRoot:
    """A folder of recordings in an object store. `prefix` is its path there, which ends in `/`."""

    files: Any
    prefix: str
    names: FileNames
    left_out: tuple[tuple[str, str], ...] = ()
    evidence: Evidence | None = None

    def find(self, path: str, is_address: bool) -> str | None:
        """Return the name of the file that a path means; `None` without one."""
        return self.names.find(path, is_address)

    def local_file(self, name: str) -> None:
        """Return `None`: it is not on this disk."""

    def extract(self, name: str, work: Path) -> Path:
        """Return a copy of the file below `work`; there is no file when it fails.

        Raises:
            Rejected: as `copy_object`.
        """
        return copy_object(self.files, self.prefix + name, PartialDownload(work / "object", MAX_OBJECT_BYTES)).path


@dataclass(frozen=True, slots=True)
class RemoteHandler:
    """Fetches `s3://` and `gs://` addresses of rows, where the recipe names a folder above them.

    The keys of the user open more than a table should reach: a row may name any object that they can read, and tables come from others.
    """

    folders: LocalFolders
    max_bytes: int

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip has an address in an object store, or a path in that of the recipe."""
        return root_scheme(self._address(clip)) in STORES

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Copy the recording below `work`.

        Raises:
            Rejected: `unsafe_address` outside of the addresses in `audio_root` and `local_files`; as `copy_object`.
        """
        address, above = self._address(clip), [*self.folders.remote, *([self.folders.address] if self.folders.address else [])]
        if ".." in address.split("/") or not any(address.startswith(f"{folder.rstrip('/')}/") for folder in above):
            outside = "lies outside of the audio_root and the local_files of the recipe; add its folder there"
            raise Rejected(Reason.UNSAFE_ADDRESS, f"{clip.url[:100]!r} {outside}")
        files, path = open_store(address)
        max_bytes = self.max_bytes if root_scheme(clip.url) in STORES else MAX_OBJECT_BYTES
        return copy_object(files, path, PartialDownload(work / "object", max_bytes))

    def _address(self, clip: Clip) -> str:
        is_path = self.folders.address is not None and bool(clip.url) and scheme_of(clip.url) is None
        return join(self.folders.address or "", clip.url) if is_path else clip.url


def open_remote_root(address: str) -> RemoteRoot:
    """List a folder in an object store.

    Raises:
        Rejected: `unavailable` where there is no such folder; as `faults_as_rejections`.
    """
    files, path = open_store(address)
    prefix = f"{path.rstrip('/')}/"
    with faults_as_rejections(address):
        names = [name.removeprefix(prefix) for name in files.find(prefix) if name.startswith(prefix)]
    if not names or len(names) > MAX_NAMES:
        why = f"{len(names)} objects, at most {MAX_NAMES}" if names else "no object lies there"
        raise Rejected(Reason.UNAVAILABLE, f"audio_root {address[:100]!r}: {why}")
    return RemoteRoot(files, prefix, FileNames(names, has_sound=may_be_recording))


def download_object(partial: PartialDownload, address: str, seconds: float) -> Recording:
    """Fetch an archive from an object store, for the cache; `seconds` is not needed, as these clients have their own bounds.

    Raises:
        Rejected: as `copy_object`.
    """
    return copy_object(*open_store(address), partial)


def open_store(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it. Its listings are not kept: they may change while a build runs.

    Raises:
        Rejected: `unavailable` where its package is not installed.
    """
    try:
        return file_system(address)
    except ImportError as error:
        raise Rejected(Reason.UNAVAILABLE, f"{address[:100]!r} {error}") from error


def copy_object(files: Any, path: str, partial: PartialDownload) -> Recording:
    """Copy an object to the file of a partial download, from its beginning; there is no file when it fails.

    Raises:
        Rejected: `too_large`; as `faults_as_rejections`.
    """
    target, digest, n_bytes = partial.path, hashlib.sha256(), 0
    try:
        with faults_as_rejections(path):
            facts = files.info(path)
            if facts.get("type") == "directory":  # s3fs would open it as an empty file
                raise IsADirectoryError
            source = files.open(path, "rb", block_size=BLOCK)
        with source, target.open("wb") as copy:
            while block := _read(source, path):
                n_bytes += len(block)
                if n_bytes > partial.max_bytes:
                    raise Rejected(Reason.TOO_LARGE, f"more than {partial.max_bytes} bytes")
                digest.update(block)
                copy.write(block)
    except Rejected:
        target.unlink(missing_ok=True)
        raise
    evidence = Evidence(utc_now(), etag=str(facts["ETag"]) if facts.get("ETag") else None)
    return Recording(target, Provenance(n_bytes=n_bytes, sha256=digest.hexdigest(), evidence=evidence))


def _read(source: Any, path: str) -> bytes:
    with faults_as_rejections(path):
        return bytes(source.read(BLOCK))


@contextmanager
def faults_as_rejections(shown: str) -> Iterator[None]:
    """Reject a clip over what an object store says.

    Raises:
        Rejected: `not_found`, `forbidden` (the keys do not allow it, or there are none), or `connection`.
    """
    faults: tuple[type[Exception], ...] = (OSError, ValueError, *faults_of_stores())
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Rejected(Reason.NOT_FOUND, f"no object {shown[-100:]!r}") from error
    except PermissionError as error:
        raise Rejected(Reason.FORBIDDEN, f"{shown[-100:]!r} may not be read with the keys of this machine") from error
    except faults as error:
        if type(error).__name__ in NO_KEYS:
            raise Rejected(Reason.FORBIDDEN, f"{shown[-100:]!r} needs keys, and this machine has none") from error
        raise Rejected(Reason.CONNECTION, f"{shown[-100:]!r}: {str(error)[:150]}") from error
