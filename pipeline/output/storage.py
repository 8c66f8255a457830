"""Read and write the files of a folder, local or remote. Under its final name a file is always complete."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from pipeline.output.damage import DamagedFileError
from pipeline.output.disk import FileState, checked_file, flush, link_or_copy, local_files, locked, move
from pipeline.output.json_values import json_bytes, parse_json
from pipeline.output.layout import CHECKED, LEDGER, LOCK, SLOTS, STAGED, WAITING, WORK
from pipeline.output.lease import leased
from pipeline.output.object_store import ObjectStore

MAX_AT_ONCE = 1 << 30  # bytes of a file that is read at once: JSON, TOML, and the rows that were left out of a plan
UNLISTED = (*(f"{folder}/" for folder in (WORK, CHECKED, SLOTS, STAGED, WAITING)), LEDGER, LOCK)
"""Beginnings of names that are no part of a set."""
TEMPORARY = "laion-audio-"  # prefix of the folders below WORK for unfinished files
READY = "ready-"  # prefix of the folders below WORK whose files are complete and still have to be moved to their final names


@dataclass(frozen=True)
class Folder:
    """An output folder by its path or address (`DIR`, `gs://bucket/dir`, `s3://bucket/dir`); names below it use `/`."""

    root: str
    is_read_only: bool = False

    @cached_property
    def _store(self) -> ObjectStore | None:
        """The object store, `None` where the folder is on a disk."""
        path = _local_path(self.root)
        return ObjectStore(self.root, self.is_read_only) if path is None else None

    @cached_property
    def _base(self) -> str:
        return self._store.base if self._store else str(_local_path(self.root))

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root, "is_read_only": self.is_read_only}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def is_local(self) -> bool:
        """Whether the folder is on a disk of this machine, where a rename publishes a file."""
        return self._store is None

    def path(self, name: str) -> str:
        """Return the full path of `name`."""
        return f"{self._base}/{name}"

    def exists(self, name: str) -> bool:
        """Return whether there is a file of that name."""
        return self.size(name) is not None

    def size(self, name: str) -> int | None:
        """Return the size in bytes, `None` where there is no such file."""
        if self._store:
            return self._store.size(name)
        try:
            return Path(self.path(name)).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link to itself leads to no file
                return None
            raise

    def listing(self) -> dict[str, FileState]:
        """Return the state of every file, by name, sorted: one request. Unfinished files are not among them."""
        return {name: state for name, state in sorted(self.files_below().items()) if not name.startswith(UNLISTED)}

    def names(self, below: str = "", suffix: str = "") -> list[str]:
        """Return the sorted names of all files below `below` that end in `suffix`: one request."""
        return sorted(name for name in self.files_below(below) if name.endswith(suffix) and not name.startswith(UNLISTED))

    def files_below(self, below: str = "") -> dict[str, FileState]:
        """Return the state of every file below `below`, by name, also of those that are no part of a set: one request."""
        if self._store:
            return self._store.listing(below)
        prefix = f"{below}/" if below else ""
        return {prefix + name: state for name, state in local_files(Path(self.path(below) if below else self._base))}

    def top_names(self) -> set[str]:
        """Return the names at the top of the folder, of files and folders; none where it does not exist.

        Raises:
            NotADirectoryError: it is a file.
        """
        if self._store:
            return self._store.top_names()
        try:
            return {path.name for path in Path(self._base).iterdir()}
        except FileNotFoundError:
            return set()

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: there is no such file.
            DamagedFileError: it is no file but a folder, a device or a pipe, or larger than any file that is read at once.
        """
        if self._store:
            return self._store.read(name)
        path = self._checked(name, MAX_AT_ONCE)
        with self.naming(name):
            return path.read_bytes()

    def read_json(self, name: str) -> Any:
        """Return the content of a JSON file.

        Raises:
            FileNotFoundError: there is no such file.
            DamagedFileError: it does not hold JSON.
        """
        data = self.read(name)
        try:
            return parse_json(data)
        except ValueError as error:
            raise DamagedFileError(name, f"not JSON ({error})") from error

    def open(self, name: str) -> Any:
        """Open a file for reading, in binary; raises as `read`."""
        return self._store.open(name) if self._store else self._checked(name).open("rb")

    def _checked(self, name: str, max_bytes: int | None = None) -> Path:
        return checked_file(Path(self.path(name)), name, max_bytes)

    def fetched(self, names: Iterable[str], target: Path) -> Folder:
        """Return a folder on a disk of this machine with some files: this folder, or `target`, to which a store's files are copied.

        Files that are missing are missing there too. What is read several times, or by parts, is read from the copy.
        """
        if self._store is None:
            return self
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            self._store.download(name, target / name)
        return Folder(str(target))

    @contextlib.contextmanager
    def naming(self, name: str) -> Iterator[None]:
        """Add the name of a file to an error of its disk, which has none: `[Errno 5] Input/output error`."""
        try:
            yield
        except OSError as error:
            if error.errno is None or error.filename is not None:
                raise
            raise OSError(error.errno, error.strerror, self.path(name)) from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file completely or not at all."""
        if self._store:
            self._store.write(name, data)
            return
        with self.workspace() as work:
            (work / "file").write_bytes(data)
            self.publish(work / "file", name)

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file completely or not at all, keys in the order given."""
        self.write(name, json_bytes(value))

    def publish(self, file: Path, name: str) -> None:
        """Move a finished local file to its final name in one step: flushed to disk and renamed, or one upload."""
        if self._store:
            self._store.upload(file, name)
            return
        flush(file)
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise DamagedFileError(name, "it is a folder, not a file")
        move(file, target)

    def publish_together(self, work: Path, files: Mapping[str, str]) -> None:
        """Move several finished files of a workspace to their final names, in order.

        On a local disk all of them or none: when the process is killed after they are complete and flushed, the next `sweep`
        finishes the move. An object store gets one upload a file, so the last file must be the one that makes the others count.

        Args:
            files: name in `work` -> final name.
        """
        if not self.is_local:
            for file, name in files.items():
                self.publish(work / file, name)
            return
        ready = Path(self.path(WORK)) / f"{READY}{work.name}"
        staged = work / READY
        for number, (file, name) in enumerate(files.items()):
            flush(work / file)
            target = staged / f"{number}" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (work / file).replace(target)
        staged.replace(ready)
        self._finish(ready)

    def _finish(self, ready: Path) -> None:
        """Move the files of a folder of `publish_together` to their final names, also after an interrupted move."""
        for numbered in sorted(ready.iterdir(), key=lambda path: int(path.name)):
            for file in sorted(path for path in numbered.rglob("*") if path.is_file()):
                target = Path(self.path(str(file.relative_to(numbered))))
                target.parent.mkdir(parents=True, exist_ok=True)
                move(file, target)
        shutil.rmtree(ready)

    def move(self, name: str, to: str) -> None:
        """Rename a file that is no tar; a file that has the new name is replaced."""
        self.move_all({name: to})

    def move_all(self, names: Mapping[str, str]) -> None:
        """Rename files that are no tars, old name -> new name. A store copies several at once, then removes the old ones."""
        if self._store:
            self._store.at_once(self._store.copy_small, names.items())
            self._store.remove(names)
            return
        for name, to in names.items():
            target = Path(self.path(to))
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(self.path(name)).replace(target)

    def copy(self, name: str, to: str) -> None:
        """Copy a file; on a local disk the copy is a hard link where the disk has them."""
        if self._store:
            self._store.copy(name, to)
        else:
            link_or_copy(Path(self.path(name)), Path(self.path(to)))

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        if self._store:
            self._store.remove([name])
            return
        with contextlib.suppress(FileNotFoundError):
            Path(self.path(name)).unlink()

    def remove_below(self, name: str) -> None:
        """Remove a folder and its files, if it exists."""
        if self._store:
            self._store.remove(self._store.listing(name))
        elif (folder := Path(self.path(name))).is_dir():
            shutil.rmtree(folder)
        else:
            folder.unlink(missing_ok=True)

    def remove_empty(self, name: str) -> None:
        """Remove a folder and the folders above it as long as they are empty; an object store has no empty folders."""
        folder = Path(self.path(name))
        while self.is_local and folder != Path(self._base) and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """Create a local folder for unfinished files, removed afterwards; on the same disk as a local output folder."""
        if self.is_local:
            parent = Path(self.path(WORK))
            parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent if self.is_local else None, prefix=TEMPORARY, ignore_cleanup_errors=True) as work:
            yield Path(work)

    def sweep(self) -> None:
        """Finish what a killed build was publishing, and remove its other unfinished files."""
        if self.is_local:
            for ready in sorted(Path(self.path(WORK)).glob(f"{READY}*")):
                self._finish(ready)
            shutil.rmtree(self.path(WORK), ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder against other builds. On a disk the lock ends with the process, however it ends; in a store as `lease.py` says.

        Raises:
            FolderInUseError: another build has the lock.
        """
        if self._store:
            with leased(self._store):
                yield
            return
        Path(self._base).mkdir(parents=True, exist_ok=True)
        with locked(Path(self.path(LOCK)), self.root):
            self.sweep()
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # not empty after a failure: the next build sweeps it
                    Path(self.path(WORK)).rmdir()


def _local_path(root: str) -> str | None:
    """Return the path of a folder on a disk, given as a path or as `file://` address; `None` for an address of a store."""
    protocol, _ = fsspec.core.split_protocol(root)
    return LocalFileSystem._strip_protocol(root) if protocol in {None, *LocalFileSystem.protocol} else None
