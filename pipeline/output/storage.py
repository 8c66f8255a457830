"""Read and write the files of a folder, local or remote. Under its final name a file is always complete."""

from __future__ import annotations

import contextlib
import json
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec

from pipeline.output.damage import DamagedFileError
from pipeline.output.disk import FileState, flush, link_or_copy, local_files, locked, move
from pipeline.output.json_values import parse_json
from pipeline.output.layout import CHECKED, LEDGER, LOCK, SLOTS, STAGED, WAITING, WORK

MAX_AT_ONCE = 1 << 30  # bytes of a file that is read at once: JSON, TOML, and the rows that were left out of a plan
UNLISTED = (*(f"{folder}/" for folder in (WORK, CHECKED, SLOTS, STAGED, WAITING)), LEDGER, LOCK)
"""Beginnings of names that are no part of a set."""
TEMPORARY = "laion-audio-"  # prefix of the folders below WORK for unfinished files
READY = "ready-"  # prefix of the folders below WORK whose files are complete and still have to be moved to their final names


@dataclass(frozen=True)
class Folder:
    """An output folder by its path or address (`DIR`, `gs://bucket/dir`, `s3://bucket/dir`); names below it use `/`."""

    root: str

    @cached_property
    def _fs(self) -> fsspec.AbstractFileSystem:
        return fsspec.core.url_to_fs(self.root)[0]

    @cached_property
    def _base(self) -> str:
        return fsspec.core.url_to_fs(self.root)[1].rstrip("/")

    def __getstate__(self) -> dict[str, str]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__dict__.update(state)

    @property
    def is_local(self) -> bool:
        """Whether the folder is on a disk of this machine, where a rename publishes a file."""
        return isinstance(self._fs, fsspec.implementations.local.LocalFileSystem)

    def path(self, name: str) -> str:
        """Return the full path of `name`."""
        return f"{self._base}/{name}"

    def exists(self, name: str) -> bool:
        """Return whether there is a file of that name."""
        return self._fs.exists(self.path(name))

    def size(self, name: str) -> int | None:
        """Return the size in bytes, `None` where there is no such file."""
        try:
            return self._fs.size(self.path(name))
        except FileNotFoundError:
            return None

    def listing(self) -> dict[str, FileState]:
        """Return the state of every file, by name, sorted: one request. Unfinished files are not among them."""
        states = self._files()
        return {name: states[name] for name in sorted(states) if not name.startswith(UNLISTED)}

    def names(self, below: str = "", suffix: str = "") -> list[str]:
        """Return the sorted names of all files below `below` that end in `suffix`: one request."""
        return sorted(name for name in self._files(below) if name.endswith(suffix) and not name.startswith(UNLISTED))

    def _files(self, below: str = "") -> dict[str, FileState]:
        """Return the state of every file below `below`, by name."""
        root = self.path(below) if below else self._base
        if self.is_local:
            prefix = f"{below}/" if below else ""
            return {prefix + name: state for name, state in local_files(Path(root))}
        self._fs.invalidate_cache()  # another process may have written since
        infos = self._fs.find(root, detail=True)
        return {str(path).removeprefix(f"{self._base}/"): _state(info) for path, info in infos.items()}

    def top_names(self) -> set[str]:
        """Return the names at the top of the folder, of files and folders; none where it does not exist.

        Raises:
            NotADirectoryError: it is a file.
        """
        self._fs.invalidate_cache()
        try:
            if self.is_local:
                return {path.name for path in Path(self._base).iterdir()}
            paths = (str(path).rstrip("/") for path in self._fs.ls(self._base, detail=False))
            return {path.rpartition("/")[2] for path in paths if path != self._base}
        except FileNotFoundError:
            return set()

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: there is no such file.
            DamagedFileError: it is no file but a folder, a device or a pipe, or larger than any file that is read at once.
        """
        path = self._check_local(name, MAX_AT_ONCE)
        with self.naming(name):
            return path.read_bytes() if path is not None else self._fs.cat_file(self.path(name))

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
        self._check_local(name)
        return self._fs.open(self.path(name), "rb")

    def _check_local(self, name: str, max_bytes: int | None = None) -> Path | None:
        """Return the path of a file on a local disk, `None` for one in a store.

        Refuse what would block a reader for ever or fill the memory: a pipe, a device, a hole of many gigabytes.
        """
        if not self.is_local:
            return None
        path = Path(self.path(name))
        try:
            state = path.stat()
        except NotADirectoryError as error:
            raise DamagedFileError(name, "a file has the name of its folder") from error
        if not stat.S_ISREG(state.st_mode):
            raise DamagedFileError(
                name, "it is a folder, not a file" if stat.S_ISDIR(state.st_mode) else "it is a device or a pipe, not a file"
            )
        if max_bytes is not None and state.st_size > max_bytes:
            raise DamagedFileError(name, f"it has {state.st_size} bytes")
        return path

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
        with self.workspace() as work:
            (work / "file").write_bytes(data)
            self.publish(work / "file", name)

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file completely or not at all, keys in the order given."""
        self.write(name, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())

    def publish(self, file: Path, name: str) -> None:
        """Move a finished local file to its final name in one step: flushed to disk and renamed, or one upload."""
        if self.is_local:
            flush(file)
            target = Path(self.path(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise DamagedFileError(name, "it is a folder, not a file")
            move(file, target)
        else:
            self._fs.put_file(str(file), self.path(name))

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
        """Rename a file; a file that has the new name is replaced."""
        if self.is_local:
            target = Path(self.path(to))
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(self.path(name)).replace(target)
        else:
            self._fs.mv(self.path(name), self.path(to))

    def copy(self, name: str, to: str) -> None:
        """Copy a file; on a local disk the copy is a hard link where the disk has them."""
        if not self.is_local:
            self._fs.cp_file(self.path(name), self.path(to))
            return
        target = Path(self.path(to))
        link_or_copy(Path(self.path(name)), target)

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self.path(name))

    def remove_below(self, name: str) -> None:
        """Remove a folder and its files, if it exists."""
        if self._fs.exists(self.path(name)):
            self._fs.rm(self.path(name), recursive=True)

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
        """Lock a local folder against other builds; the lock ends with the process, however it ends.

        Raises:
            FolderInUseError: another running process has the lock.
        """
        if not self.is_local:  # object stores have no locks; two builds write equal shards, so they waste work but do no harm
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


def _state(info: Mapping[str, Any]) -> FileState:
    version = info.get("ETag") or info.get("etag") or info.get("created")
    return FileState(int(info["size"] or 0), str(version))
