"""Give tests an object store in memory under the names of real ones, and an engine whose workers do not have the folder of the user."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import apache_beam as beam
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.eager import EagerEngine


class Store(MemoryFileSystem):
    """An object store under the names of others. `uploaded` lists the files that were put there, `read` those that were opened."""

    protocol = "gs"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    uploaded: ClassVar[list[str]] = []
    read: ClassVar[list[str]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(MemoryFileSystem._strip_protocol(path.replace("s3://", "memory://").replace("gs://", "memory://")))

    def put_file(self, lpath: str, rpath: str, **options: object) -> None:
        Store.uploaded.append(rpath)
        super().put_file(lpath, rpath, **options)

    def _open(self, path: str, mode: str = "rb", **options: object) -> object:
        if mode == "rb":
            Store.read.append(path)
        return super()._open(path, mode, **options)


@contextlib.contextmanager
def object_store() -> Iterator[Store]:
    """Open `gs://` and `s3://` addresses in memory."""
    Store.store, Store.pseudo_dirs, Store.uploaded, Store.read = {}, [""], [], []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("s3", "gs"):
            patch.setitem(sys.modules["fsspec.registry"]._registry, name, Store)
        Store.clear_instance_cache()
        yield fsspec.filesystem("gs")
    Store.clear_instance_cache()


def upload(folder: Path, address: str) -> None:
    """Copy all files below a folder to an address."""
    files = fsspec.filesystem("gs")
    for path in folder.rglob("*"):
        if path.is_file():
            files.pipe(f"{Store._strip_protocol(address)}/{path.relative_to(folder)}", path.read_bytes())


def published_there(address: str) -> dict[str, str]:
    """Return the SHA-256 of all files that must be equal between builds, as `tests.fates.published` of a folder on this disk."""
    files = fsspec.filesystem("gs")
    root = files._strip_protocol(address)
    names = [name for name in files.find(root) if name.endswith((".tar", ".parquet", "sizes.json", "plan.json"))]
    return {
        name.removeprefix(f"{root}/"): sha256(files.cat_file(name)).hexdigest() for name in names if not name.endswith("_evidence.parquet")
    }


@dataclass(frozen=True, slots=True)
class EngineElsewhere(EagerEngine):
    """An engine whose workers do not have the folder `hidden`: while they work, it has another name."""

    hidden: Path = Path()

    @property
    def is_remote(self) -> bool:
        """Whether workers run on other machines."""
        return True

    def run(self, add_steps: Callable[[beam.Pipeline], object], one_worker: bool = False) -> None:
        """Run a pipeline without the folder."""
        with hidden(self.hidden):
            EagerEngine.run(self, add_steps, one_worker)


@contextlib.contextmanager
def hidden(folder: Path) -> Iterator[None]:
    """Give a folder another name meanwhile, as on a machine that does not have it."""
    away = folder.rename(folder.with_name("away"))
    try:
        yield
    finally:
        away.rename(folder)
