"""Count the requests to a file system as an object store would get them. The files are on this disk."""

from __future__ import annotations

import collections
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

REQUESTS: collections.Counter[str] = collections.Counter()
"""Requests by kind since the last `clear`: listing, read, read marker, open, check, write, remove."""


class CountingFileSystem(fsspec.AbstractFileSystem):
    """Local files under `counted://`. `find` is one listing, however many folders it walks.

    It is no `LocalFileSystem`: `Folder` reads a local disk without fsspec, where nothing would be counted.
    """

    protocol = "counted"
    disk = LocalFileSystem(auto_mkdir=True)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("counted://"))

    def find(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Count a listing."""
        REQUESTS["listing"] += 1
        return self.disk.find(self._strip_protocol(path), *args, **kwargs)

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """Count a listing."""
        REQUESTS["listing"] += 1
        return self.disk.ls(self._strip_protocol(path), detail, **kwargs)

    def cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Count a read."""
        REQUESTS["read marker" if path.endswith("_stats.json") else "read"] += 1
        return self.disk.cat_file(self._strip_protocol(path), *args, **kwargs)

    def info(self, path: str, **kwargs: Any) -> Any:
        """Count a check; `exists` and `size` end here too."""
        REQUESTS["check"] += 1
        return self.disk.info(self._strip_protocol(path), **kwargs)

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        REQUESTS["open" if mode == "rb" else "write"] += 1
        return self.disk.open(self._strip_protocol(path), mode)

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        """Count a written file."""
        REQUESTS["write"] += 1
        self.disk.put_file(lpath, self._strip_protocol(rpath))

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Count a written file."""
        REQUESTS["write"] += 1
        self.disk.cp_file(self._strip_protocol(path1), self._strip_protocol(path2))

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Count a removed file for every file below a folder."""
        if not recursive:
            super().rm(path, recursive, maxdepth)
            return
        REQUESTS["remove"] += len(self.disk.find(self._strip_protocol(path)))
        self.disk.rm(self._strip_protocol(path), recursive)

    def rm_file(self, path: str) -> None:
        """Count a removed file."""
        REQUESTS["remove"] += 1
        self.disk.rm_file(self._strip_protocol(path))


fsspec.register_implementation("counted", CountingFileSystem, clobber=True)
