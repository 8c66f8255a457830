"""Find the shards of a set, local or remote. The split of a shard is named by its folder or by its own name."""

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import fsspec
from fsspec.implementations.local import LocalFileSystem

from train.data.ranges import FAILURES, first_line
from train.errors import BadInput

SPLITS = {"train": ("train", "balanced_train", "unbalanced_train"), "valid": ("valid",), "test": ("test", "eval")}
WORDS = {"train": {"train", "training"}, "valid": {"valid", "val", "validation"}, "test": {"test", "testing", "eval", "evaluation"}}
"""Words by which folders and tars of other programs name their split, such as `audio-val/00000.tar` or `train-000001.tar`."""
BOOKS = (".index.parquet", ".parquet")  # endings of the table of a tar, the first that exists
DEPTH = 3  # <root>/<dataset>/<split>/0.tar
REQUESTS = 32  # at the same time
IDENTITY = ("size", "mtime", "ETag", "etag", "LastModified", "last_modified", "Last-Modified", "md5Hash", "generation", "created")
"""What file systems tell of a file, of which some part changes with its content. An address may carry a new signature each time."""


class Shard(NamedTuple):
    """One tar.

    address: path or URL. n_samples: as counted in sizes.json, or by the index; -1: not known. cache_key: changes when size or date
    of the tar change; empty: `name_by_books` finds it. dataset: name of the folder that holds the splits. n_bytes: of the tar; -1: not
    known. books: address of the table beside a remote tar that tells where its samples lie; empty where there is none.
    """

    address: str
    n_samples: int
    cache_key: str
    dataset: str = ""
    n_bytes: int = -1
    books: str = ""

    @property
    def remote(self) -> bool:
        return "://" in self.address


def find_shards(root: str, split: str) -> list[Shard]:
    """List the shards of a split in all datasets below root, sorted by folder and number.

    A folder with sizes.json holds the shards that it names, and is a split if its name is that of one. Without sizes.json the last
    part of a tar's path that has a word for a split counts, as in `sounds-train/00000.tar` and `train-00000.tar`.

    root: a folder or an s3://, gs://, http(s):// address. Raise BadInput if it cannot be read or has no samples of the split.
    """
    if "://" not in root and not Path(root).is_dir():
        raise BadInput(f"{root} is no folder; give the folder that a build wrote (it holds <dataset>/<split>/0.tar)")
    try:
        files, path = fsspec.core.url_to_fs(root.rstrip("/") or "/")
        listed = _list_files(files, path)
        tars = [name for name in listed if name.endswith(".tar")]
        folders = {_parent(name) for name in listed if PurePosixPath(name).name == "sizes.json"}
        names = SPLITS.get(split, (split,))
        sizes = {f: _read_sizes(files, f"{path}/{f}/sizes.json") for f in sorted(folders) if PurePosixPath(f).name in names}
        wanted = [*_of_sizes(sizes, set(tars)), *_of_words([tar for tar in tars if _parent(tar) not in folders], split)]
        shards = _describe(files, path, listed, [pair for pair in wanted if pair[1] != 0])
    except (*FAILURES, ImportError) as error:
        raise BadInput(f"{root} cannot be read: {first_line(error)}") from error
    if not shards:
        raise BadInput(_nothing_found(root, split, tars))
    return shards


def shards_by_dataset(shards: Iterable[Shard]) -> dict[str, list[Shard]]:
    """Return the shards of each dataset, the names sorted."""
    dataset = attrgetter("dataset")
    return {name: list(of_one) for name, of_one in groupby(sorted(shards, key=dataset), dataset)}


def fingerprint(shards: list[Shard]) -> str:
    """Return a hash of the names and counts of the shards, by which a resumed run recognises its data."""
    return hashlib.sha256(repr([(Path(s.address).name, s.n_samples) for s in shards]).encode()).hexdigest()[:16]


def _list_files(files: fsspec.AbstractFileSystem, root: str) -> dict[str, dict[str, Any]]:
    """List the files at most DEPTH levels below a folder: path from there -> what the file system tells of it without being asked.

    Links to folders of this machine are followed: sets are often put together of them.
    """
    listed: dict[str, dict[str, Any]] = {}
    if not isinstance(files, LocalFileSystem):
        folders = [root]
        for _ in range(DEPTH):
            entries = [entry for folder in folders for entry in files.ls(folder, detail=True)]
            folders = [entry["name"].rstrip("/") for entry in entries if entry["type"] == "directory"]
            listed |= {entry["name"][len(root) :].lstrip("/"): entry for entry in entries if entry["type"] == "file"}
        return listed
    for folder, folders, names in os.walk(root, followlinks=True):
        path = os.path.relpath(folder, root)
        listed |= {os.path.normpath(f"{path}/{name}"): {} for name in names}
        if len(PurePosixPath(path).parts) >= DEPTH - 1:
            folders.clear()
    return listed


def _read_sizes(files: fsspec.AbstractFileSystem, path: str) -> dict[str, int]:
    """Return what a sizes.json holds: name of a tar -> number of samples."""
    try:
        counts = json.loads(files.cat_file(path))
    except ValueError:
        counts = None
    if not isinstance(counts, dict) or not all(isinstance(n, int) for n in counts.values()):
        raise BadInput(f'{path} should be {{"0.tar": number of samples, ...}}')
    return counts


def _of_sizes(sizes: dict[str, dict[str, int]], tars: set[str]) -> Iterator[tuple[str, int]]:
    """Yield path and count of the shards that sizes.json of some folders name. Raise BadInput if one of them does not exist."""
    for folder, counts in sizes.items():
        for name in sorted(counts, key=lambda name: (len(name), name)):
            path = f"{folder}/{name}"
            if path not in tars:
                raise BadInput(f"{folder}/sizes.json names {name}, which does not exist; build the set again or correct sizes.json")
            yield path, counts[name]


def _of_words(tars: list[str], split: str) -> Iterator[tuple[str, int]]:
    """Yield the tars of a split in folders without sizes.json; their counts are not known."""
    for path in sorted(tars, key=lambda path: (_parent(path), len(path), path)):
        if _split_of(path) == split:
            yield path, -1


def _split_of(path: str) -> str:
    """Return the split that a path names last, or the name of its folder.

    >>> _split_of("A/train/0.tar"), _split_of("clotho_val/test-of-heat-00001.tar"), _split_of("B/other/00001.tar")
    ('train', 'test', 'other')
    """
    folders = PurePosixPath(path).parts[:-1]
    for name in (PurePosixPath(path).stem, *reversed(folders)):
        words = re.findall("[a-z]+", name.lower())
        for split, some in WORDS.items():
            if some & set(words):
                return split
    return folders[-1] if folders else ""


def _describe(files: fsspec.AbstractFileSystem, root: str, listed: dict[str, dict], wanted: list[tuple[str, int]]) -> list[Shard]:
    """Return the shards. Where a listing gives only names, size and date of each tar without books are asked for."""
    if isinstance(files, LocalFileSystem):
        stats = [Path(root, path).stat() for path, _ in wanted]
        infos: list[dict[str, Any]] = [{"size": stat.st_size, "mtime": stat.st_mtime_ns} for stat in stats]
        books = [""] * len(wanted)
    else:
        books = [_books_of(path, listed) for path, _ in wanted]
        infos = [listed[path] for path, _ in wanted]
        unknown = [i for i, info in enumerate(infos) if info.get("size") is None and not books[i]]
        with ThreadPoolExecutor(REQUESTS) as pool:
            for i, info in zip(unknown, pool.map(files.info, [f"{root}/{wanted[i][0]}" for i in unknown]), strict=True):
                infos[i] = info
    shards = []
    for (path, count), info, table in zip(wanted, infos, books, strict=True):
        address = _address(files, root, path)
        identity = [str(info.get(name)) for name in IDENTITY]
        cache_key = "" if info.get("size") is None else hashlib.sha256(repr((address, identity)).encode()).hexdigest()[:24]
        size = -1 if info.get("size") is None else info["size"]
        shards.append(Shard(address, count, cache_key, _dataset_of(path, root), size, table and _address(files, root, table)))
    return shards


def _address(files: fsspec.AbstractFileSystem, root: str, path: str) -> str:
    address: str = files.unstrip_protocol(f"{root}/{path}").removeprefix("file://")
    return address


def _books_of(path: str, listed: Collection[str]) -> str:
    """Return the path of the table beside a tar; empty where there is none."""
    tables = (path.removesuffix(".tar") + ending for ending in BOOKS)
    return next((table for table in tables if table in listed), "")


def _dataset_of(path: str, root: str) -> str:
    """Return the first folder of a shard's path, or the name of the root where that folder is the split.

    >>> _dataset_of("A/train/0.tar", "/sets"), _dataset_of("train/0.tar", "/sets/B"), _dataset_of("train-0.tar", "/sets/B")
    ('A', 'B', 'B')
    """
    folders = PurePosixPath(path).parts[:-1]
    is_split = len(folders) == 1 and (folders[0] in WORDS or any(folders[0] in names for names in SPLITS.values()))
    return folders[0] if folders and not is_split else PurePosixPath(root).name


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _nothing_found(root: str, split: str, tars: list[str]) -> str:
    names = "|".join(SPLITS.get(split, (split,)))
    message = f"{root} has no samples of split {split!r}: looked for */{names}/*.tar"
    if not tars:
        return f"{message}; it has no tar"
    return f"{message}; it has {len(tars)} other tars, such as {tars[0]}; put those of the split into a folder {split}"
