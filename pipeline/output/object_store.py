"""Read and write the objects below an address of an object store (S3, Google Cloud Storage), each with one request where that can be.

Listings are never kept: other processes write too. So nothing here asks whether an object is there: a read or a listing answers it.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.output.disk import FileState
from pipeline.output.store_faults import NoBucketError, faults_as_os_errors, file_system

N_AT_ONCE = 32
"""Requests at once from one process: a store answers one in some 25 ms, so that 5,000 take 4 s."""
S3_OPTIONS = {"max_concurrency": 1}
"""Options of s3fs: a file goes up in parts of 50 MiB, one after the other. More at once would hold a tar of 300 MB in memory, and s3fs
would ask for the size of an object before it reads it."""


class ReadOnlyError(Exception):
    """Something would be written to, or removed from, a folder that is only read."""


class ObjectStore:
    """The objects below `root`, an address such as `s3://bucket/folder`; their names are relative to it and use `/`.

    Every method raises OSError where a request fails, and names the address.
    """

    def __init__(self, root: str, is_read_only: bool = False):
        self.is_read_only = is_read_only
        self.root = root.rstrip("/")
        options = S3_OPTIONS if root.startswith(("s3://", "s3a://")) else {}
        try:
            self.fs, base = file_system(root, **options)
        except ImportError as error:
            raise OSError(f"{root}: {error}") from error
        self.base = base.rstrip("/")

    def path(self, name: str) -> str:
        """Return the path of an object in its file system."""
        return f"{self.base}/{name}" if name else self.base

    def _asking(self, name: str, to_write: bool = False) -> contextlib.AbstractContextManager[None]:
        if to_write and self.is_read_only:
            raise ReadOnlyError(name)
        return faults_as_os_errors(f"{self.root}/{name}" if name else self.root)

    def listing(self, below: str = "") -> dict[str, FileState]:
        """Return the state of every object below a folder, by name: one request for 1,000 objects. None where there is no such folder."""
        with self._asking(below):
            try:
                infos = self.fs.find(self.path(below), detail=True)
            except FileNotFoundError:
                return {}
        return {path.removeprefix(f"{self.base}/"): _state(info) for path, info in infos.items() if path.startswith(f"{self.base}/")}

    def top_names(self) -> set[str]:
        """Return the names at the top of the folder; none where it does not exist."""
        with self._asking(""):
            try:
                paths = [str(path).rstrip("/") for path in self.fs.ls(self.base, detail=False)]
            except FileNotFoundError:
                return set()
        return {path.rpartition("/")[2] for path in paths if path != self.base}

    def read(self, name: str) -> bytes:
        """Return the bytes of an object; raise FileNotFoundError where there is none."""
        with self._asking(name):
            return bytes(self.fs.cat_file(self.path(name)))

    def open(self, name: str) -> Any:
        """Open an object for reading by parts."""
        with self._asking(name):
            return self.fs.open(self.path(name), "rb")

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes, `None` where there is none."""
        with self._asking(name):
            try:
                return int(self.fs.size(self.path(name)))
            except FileNotFoundError:
                return None

    def download(self, name: str, target: Path) -> bool:
        """Copy an object to a local file; return whether there is one."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._asking(name):
            try:
                self.fs.get_file(self.path(name), str(target))
            except FileNotFoundError:
                target.unlink(missing_ok=True)
                return False
        return True

    def write(self, name: str, data: bytes) -> None:
        """Write an object completely or not at all.

        Raises:
            NoBucketError: there is no such bucket.
        """
        try:
            with self._asking(name, to_write=True):
                self.fs.pipe_file(self.path(name), data)
        except FileNotFoundError as error:
            raise NoBucketError(error.errno, error.strerror, self.root) from error

    def upload(self, file: Path, name: str) -> None:
        """Write an object from a local file; a large one by parts, of which nothing is to be seen before the last is there."""
        with self._asking(name, to_write=True):
            self.fs.put_file(str(file), self.path(name))

    def copy(self, name: str, to: str) -> None:
        """Copy an object within the store."""
        with self._asking(name, to_write=True):
            self.fs.cp_file(self.path(name), self.path(to))

    def copy_small(self, name: str, to: str) -> None:
        """Copy an object that is no tar. s3fs asks for the size first, since S3 copies more than 5 GB by parts only; this does not."""
        if not hasattr(self.fs, "call_s3"):
            self.copy(name, to)
            return
        (bucket, key, _), (_, new_key, _) = self.fs.split_path(self.path(name)), self.fs.split_path(self.path(to))
        with self._asking(name, to_write=True):
            self.fs.call_s3("copy_object", Bucket=bucket, Key=new_key, CopySource={"Bucket": bucket, "Key": key})

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, many with one request; those that are not there are none the worse."""
        paths = [self.path(name) for name in names]
        if len(paths) > 1 and not any(re.search(r"[*?\[]", path) for path in paths):  # where fsspec would look for a pattern
            with self._asking("", to_write=True), contextlib.suppress(FileNotFoundError):
                self.fs.rm(paths)
            return
        for path in paths:
            with self._asking(path.removeprefix(f"{self.base}/"), to_write=True), contextlib.suppress(FileNotFoundError):
                self.fs.rm_file(path)

    def at_once(self, do: Callable[..., None], calls: Iterable[tuple[Any, ...]]) -> None:
        """Make several calls at once; the first error is raised after all of them ended."""
        with ThreadPoolExecutor(N_AT_ONCE) as pool:
            for done in [pool.submit(do, *arguments) for arguments in calls]:
                done.result()


def _state(info: Mapping[str, Any]) -> FileState:
    version = str(info.get("ETag") or info.get("etag") or info.get("created"))
    return FileState(int(info["size"] or 0), version, _md5(info), _modified(info))


def _modified(info: Mapping[str, Any]) -> datetime | None:
    """Return when an object was written, by the clock of its store: a `datetime`, a text or Unix time, by S3, Google and fsspec."""
    at = next((info[name] for name in ("LastModified", "updated", "mtime", "created") if info.get(name)), None)
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return at if isinstance(at, datetime) else None if at is None else datetime.fromtimestamp(at, UTC)


def _md5(info: Mapping[str, Any]) -> str:
    """Return the MD5 of an object that its listing has; "" where it has none, as for an object that went up in parts."""
    if info.get("md5Hash"):  # Google's, in base64
        return base64.b64decode(info["md5Hash"]).hex()
    tag = str(info.get("ETag") or "").strip('"')
    return tag if re.fullmatch(r"[0-9a-f]{32}", tag) else ""
