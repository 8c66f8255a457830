"""Shards on disk or remote, as lists of samples that can be read in any order: `<root>/<dataset>/<split>/N.tar` beside sizes.json."""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import fsspec

from train.problem import BadInput

SPLITS = {"train": ("train", "balanced_train", "unbalanced_train"), "valid": ("valid",), "test": ("test", "eval")}


@dataclass(frozen=True)
class Shard:
    """One tar: its local path or address, and how many samples sizes.json says it holds."""

    address: str
    n_samples: int

    @property
    def remote(self) -> bool:
        return "://" in self.address


@dataclass(frozen=True)
class Member:
    """Where one sample lies in its tar, in bytes."""

    key: str
    flac_at: int
    flac_size: int
    json_at: int
    json_size: int


def find_shards(root: str, split: str) -> list[Shard]:
    """List the shards of a split over all datasets under root (a folder or an s3://, gs://, http(s):// address), in a fixed order."""
    files, path = fsspec.core.url_to_fs(root.rstrip("/"))
    if "://" not in root and not Path(root).is_dir():
        raise BadInput(f"{root} is no folder; give the folder that a build wrote (it holds <dataset>/<split>/0.tar)")
    names = SPLITS.get(split, (split,))
    found = sorted(
        {f for name in names for pattern in (f"{path}/*/{name}/sizes.json", f"{path}/{name}/sizes.json") for f in files.glob(pattern)}
    )
    shards = [shard for sizes in found for shard in _listed(files, sizes)]
    if not sum(shard.n_samples for shard in shards):
        raise BadInput(f"{root} has no samples of split {split!r}: looked for */{'|'.join(names)}/sizes.json and found {len(found)}")
    return shards


def _listed(files: fsspec.AbstractFileSystem, sizes: str) -> Iterator[Shard]:
    """Yield the shards that one sizes.json names, each seen to be there."""
    counts = json.loads(files.cat_file(sizes))
    if not isinstance(counts, dict) or not all(isinstance(n, int) for n in counts.values()):
        raise BadInput(f'{sizes} should be {{"0.tar": number of samples, ...}}')
    folder = sizes.rpartition("/")[0]
    for name in sorted(counts, key=lambda name: (len(name), name)):
        if not files.exists(f"{folder}/{name}"):
            raise BadInput(f"{sizes} names {name}, which is not there; build the set again or correct sizes.json")
        if counts[name]:
            yield Shard(files.unstrip_protocol(f"{folder}/{name}").removeprefix("file://"), counts[name])


def fingerprint(shards: list[Shard]) -> str:
    """Name a list of shards by its content, so that a run knows when it is resumed on another set."""
    return hashlib.sha256(repr([(Path(s.address).name, s.n_samples) for s in shards]).encode()).hexdigest()[:16]


def local_copy(shard: Shard, cache: Path) -> Path:
    """Return a path to read from: the shard itself, or its copy in the cache folder, fetched whole the first time."""
    if not shard.remote:
        return Path(shard.address)
    path = cache / f"{hashlib.sha256(shard.address.encode()).hexdigest()[:24]}.tar"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.part")
        files, remote = fsspec.core.url_to_fs(shard.address)
        files.get_file(remote, str(partial))
        partial.replace(path)
    return path


def members(shard: Shard, cache: Path) -> list[Member]:
    """List the samples of a shard; the offsets are kept in a hidden file beside it, or in the cache folder if that cannot be written."""
    path = local_copy(shard, cache)
    state = path.stat()
    stamp = [state.st_size, state.st_mtime_ns]
    places = [
        path.with_name(f".{path.stem}.index.json"),
        cache / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]}.index.json",
    ]
    for place in places:
        if place.exists() and (saved := json.loads(place.read_text()))["stamp"] == stamp:
            return [Member(*row) for row in saved["members"]]
    listed = scan(path)
    if len(listed) != shard.n_samples:
        raise BadInput(f"{shard.address} holds {len(listed)} samples, its sizes.json says {shard.n_samples}; build the set again")
    _save_index(places, {"stamp": stamp, "members": [astuple(member) for member in listed]})
    return listed


def scan(path: Path) -> list[Member]:
    """Read the headers of a tar: every key that has both a .flac and a .json, in order."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for entry in tar:
                key, _, kind = entry.name.rpartition("/")[2].partition(".")
                found.setdefault(key, {})[kind] = (entry.offset_data, entry.size)
    except tarfile.TarError as error:
        raise BadInput(f"{path} is not a whole tar file: {error}") from error
    return [Member(key, *parts["flac"], *parts["json"]) for key, parts in found.items() if {"flac", "json"} <= parts.keys()]


def _save_index(places: list[Path], index: dict[str, object]) -> None:
    for place in places:
        if not os.access(place.parent if place.parent.exists() else place.parent.parent, os.W_OK):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(f".{os.getpid()}.part")
        partial.write_text(json.dumps(index))
        partial.replace(place)
        return
