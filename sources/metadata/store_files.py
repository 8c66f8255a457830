"""Read tables that lie in an object store (`gs://`, `s3://`), with the keys that the environment of this machine holds.

A table is copied into the cache once for each version of it: a build asks for the version in one request, and reads the copy. The path of
a copy says which address it is of, so that the folder of a recipe may be in a store too.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.output.store_faults import faults_of_stores, file_system
from sources.metadata.recording_names import suffix_of

STORES = frozenset({"s3", "gs"})
ADDRESS = re.compile(rf"({'|'.join(sorted(STORES))})://", re.IGNORECASE)
TABLES = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".txt", ".lst", ".ids", ".yaml", ".yml"})
"""Suffixes of the files of a folder that are copied: those of tables. Recordings stay where they are; workers fetch them."""
MAX_TABLES = 2000  # of one folder
VERSION = ("ETag", "etag", "md5Hash", "generation", "LastModified", "updated", "created", "mtime", "size")
"""What stores say about a version of a file: s3fs, gcsfs and fsspec use different names."""


def is_in_store(path: str) -> bool:
    """Return whether a path of a recipe is the address of a file or folder in an object store.

    >>> is_in_store("gs://bucket/clips.csv"), is_in_store("clips.csv"), is_in_store("https://example.org/clips.csv")
    (True, False, False)
    """
    return ADDRESS.match(path) is not None


def address_of(path: Path) -> str | None:
    """Return the address that a path in the cache stands for; `None` for every other path."""
    folder, given = f"{_folder()}/", os.path.normpath(path)
    if not given.startswith(folder):
        return None
    scheme, _, rest = given.removeprefix(folder).partition("/")
    return f"{scheme}://{rest}"


def path_of(address: str) -> Path:
    """Return the path in the cache of a file or folder of a store. Nothing is copied.

    Raises:
        ValueError: it leads out of its bucket.
    """
    scheme, _, rest = address.partition("://")
    parts = posixpath.normpath(f"/{rest}").lstrip("/").split("/")
    if not parts[0] or parts[0] != rest.split("/")[0] or "\0" in rest:
        raise ValueError(f"{address!r} is no address of a file in a bucket: write {scheme.lower()}://BUCKET/PATH")
    return Path(_folder(), scheme.lower(), *parts)


def join(folder: str, path: str) -> str:
    """Return the address of a path relative to a folder of a store; that of a path which leads out of its bucket holds `..`.

    >>> join("gs://bucket/set", "a/../rain.wav"), join("gs://bucket/set", "../../../x")
    ('gs://bucket/set/rain.wav', 'gs://bucket/set/../../../x')
    """
    scheme, _, rest = folder.partition("://")
    if path.startswith("/"):
        return f"{scheme}://..{path}"
    joined = posixpath.normpath(posixpath.join(rest, path))
    return f"{scheme}://{joined}" if joined.startswith(f"{rest.split('/')[0]}/") else f"{folder}/{path}"


def local_copy(base: Path, path: str) -> Path:
    """Return where a file or folder that a recipe names can be read on this machine.

    A path is taken as given when it is absolute, otherwise below `base`. A file in a store is copied into the cache first, of a folder
    the tables in it and in its folders. Where the store has none, the path that is returned does not exist.

    Args:
        base: folder that relative paths start from; it may be one of a store.

    Raises:
        ValueError: the store cannot be read; the message says why.
    """
    full = path_of(path) if is_in_store(path) else base / path
    address = address_of(full)
    return full if address is None else _copied(address)


def without_cache_paths(text: str) -> str:
    """Return a message with addresses in place of the paths of their copies."""
    return re.sub(rf"{re.escape(str(_folder()))}/(s3|gs)/", r"\1://", text)


def forget_copies() -> None:
    """Ask stores for the versions of files again: they are asked for once in each process."""
    _copied.cache_clear()


@cache
def _folder() -> Path:
    from sources.metadata.needs import cache_folder

    return Path(os.path.realpath(cache_folder() / "stores"))


@cache
def _copied(address: str) -> Path:
    """Copy a file, or the tables of a folder, unless the cache has this version; return the path."""
    target = path_of(address)
    try:
        files, path = file_system(address)
    except ImportError as error:
        raise ValueError(f"{address}: {error}") from error
    faults: tuple[type[Exception], ...] = (OSError, ValueError, *faults_of_stores())
    try:
        facts = files.info(path)
        if facts["type"] == "directory":
            _copy_tables(files, path, target)
        else:
            _copy(files, facts, target)
    except FileNotFoundError:
        target.unlink(missing_ok=True)  # it was removed there
    except faults as error:
        raise ValueError(f"{address}: cannot be read with the keys of this machine: {error or type(error).__name__}") from error
    return target


def _copy_tables(files: Any, path: str, target: Path) -> None:
    """Copy the tables of a folder and of the folders in it; of all other files there is no trace."""
    target.mkdir(parents=True, exist_ok=True)
    tables, folders = _listed(files, path)
    for folder in folders:
        (target / folder).mkdir(exist_ok=True)
        tables |= {f"{folder}/{name}": facts for name, facts in _listed(files, f"{path}/{folder}")[0].items()}
    if len(tables) > MAX_TABLES:
        raise ValueError(f"{len(tables)} tables, at most {MAX_TABLES}: name the tables one by one, or put them into a folder of their own")
    for name in sorted(set(_tables_in(target)) - tables.keys()):
        (target / name).unlink()
    for name, facts in tables.items():
        _copy(files, facts, target / name)


def _listed(files: Any, path: str) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """Return the tables of a folder by name, and the names of the folders in it."""
    tables, folders = {}, []
    for facts in files.ls(path, detail=True):
        name = str(facts["name"]).rstrip("/").rpartition("/")[2]
        if facts["type"] == "directory":
            folders.append(name)
        elif suffix_of(name) in TABLES:
            tables[name] = facts
    return tables, folders


def _tables_in(target: Path) -> list[str]:
    paths = (path for pattern in ("*", "*/*") for path in target.glob(pattern) if path.is_file())
    return [str(path.relative_to(target)) for path in paths]


def _copy(files: Any, facts: Mapping[str, Any], target: Path) -> None:
    """Copy a file unless the cache has this version of it."""
    version = json.dumps({name: str(facts[name]) for name in VERSION if facts.get(name) is not None})
    note = _folder() / ".versions" / hashlib.sha256(str(target).encode("utf-8", "surrogateescape")).hexdigest()
    if target.is_file() and note.is_file() and note.read_text() == version:
        return
    for folder in (target.parent, note.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    note.unlink(missing_ok=True)  # until the copy is complete it has no version
    with tempfile.TemporaryDirectory(dir=note.parent) as work:
        files.get_file(facts["name"], f"{work}/copy")
        Path(work, "copy").replace(target)
        Path(work, "version").write_text(version)
        Path(work, "version").replace(note)
