"""Count the calls to a local file system: in an object store each of them would be one request."""

from __future__ import annotations

import collections
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

REQUESTS: collections.Counter[str] = collections.Counter()
"""Requests by kind since the last `clear`: listing, read, read marker, open, check."""


class CountingFileSystem(LocalFileSystem):
    """Local files under `counted://`. `find` is one listing, however many folders it walks."""

    protocol = "counted"

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("counted://")) if isinstance(path, str) else path

    def find(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Count a listing."""
        REQUESTS["listing"] += 1
        return super().find(path, *args, **kwargs)

    def cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Count a read."""
        REQUESTS["read marker" if path.endswith("_stats.json") else "read"] += 1
        return LocalFileSystem(skip_instance_cache=True).cat_file(path, *args, **kwargs)

    def open(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Count an opened file."""
        REQUESTS["open"] += 1
        return super().open(path, *args, **kwargs)

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Count a check."""
        REQUESTS["check"] += 1
        return bool(LocalFileSystem(skip_instance_cache=True).exists(path))

    def size(self, path: str) -> Any:
        """Count a check."""
        REQUESTS["check"] += 1
        return super().size(path)


fsspec.register_implementation("counted", CountingFileSystem, clobber=True)
