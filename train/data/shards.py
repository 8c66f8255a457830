"""Shards on disk or remote, as lists of samples that can be read in any order: `<root>/<dataset>/<split>/N.tar` beside sizes.json."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import fsspec

from train.data.ranges import FAILURES, again, copy, open_ahead, read_at, read_part, reason
from train.errors import BadInput
from train.loop.atomic import atomic_write

SPLITS = {"train": ("train", "balanced_train", "unbalanced_train"), "valid": ("valid",), "test": ("test", "eval")}


class Shard(NamedTuple):
    """One tar: its path or address, how many samples sizes.json says it holds, and a name for what its cache holds of this state of it."""

    address: str
    n_samples: int
    state: str

    @property
    def remote(self) -> bool:
        return "://" in self.address


class Member(NamedTuple):
    """Where one sample lies in its tar, in bytes."""

    key: str
    flac_at: int
    flac_size: int
    json_at: int
    json_size: int


def find_shards(root: str, split: str) -> list[Shard]:
    """List the shards of a split over all datasets under root (a folder or an s3://, gs://, http(s):// address), in a fixed order."""
    if "://" not in root and not Path(root).is_dir():
        raise BadInput(f"{root} is no folder; give the folder that a build wrote (it holds <dataset>/<split>/0.tar)")
    names = SPLITS.get(split, (split,))
    try:
        files, path = fsspec.core.url_to_fs(root.rstrip("/"))
        patterns = [f"{path}/{deep}{name}/sizes.json" for name in names for deep in ("*/", "")]
        found = sorted({file for pattern in patterns for file in files.glob(pattern)})
        shards = [shard for sizes in found for shard in _listed(files, sizes)]
    except (*FAILURES, ImportError) as error:
        raise BadInput(f"{root} cannot be read: {reason(error)}") from error
    if not shards:
        raise BadInput(f"{root} has no samples of split {split!r}: looked for */{'|'.join(names)}/sizes.json and found {len(found)}")
    return shards


def _listed(files: fsspec.AbstractFileSystem, sizes: str) -> Iterator[Shard]:
    """Yield the shards that one sizes.json names, each seen to be there."""
    try:
        counts = json.loads(files.cat_file(sizes))
    except ValueError:
        counts = None
    if not isinstance(counts, dict) or not all(isinstance(n, int) for n in counts.values()):
        raise BadInput(f'{sizes} should be {{"0.tar": number of samples, ...}}')
    folder = sizes.rpartition("/")[0]
    for name in sorted(counts, key=lambda name: (len(name), name)):
        address = files.unstrip_protocol(f"{folder}/{name}").removeprefix("file://")
        try:
            state = {key: value for key, value in files.info(f"{folder}/{name}").items() if key != "url"}  # addresses may be signed anew
        except FileNotFoundError:
            raise BadInput(f"{sizes} names {name}, which is not there; build the set again or correct sizes.json") from None
        if counts[name]:
            yield Shard(address, counts[name], hashlib.sha256(repr((address, state)).encode()).hexdigest()[:24])


def fingerprint(shards: list[Shard]) -> str:
    """Name a list of shards by its content, so that a run knows when it is resumed on another set."""
    return hashlib.sha256(repr([(Path(s.address).name, s.n_samples) for s in shards]).encode()).hexdigest()[:16]


def members(shard: Shard, cache: Path) -> list[Member]:
    """List the samples of a shard; what is found is kept in the cache folder until the shard changes."""
    kept = cache / f"{shard.state}.json"
    if not kept.exists():
        listed = scan(shard, cache)
        if len(listed) != shard.n_samples:
            raise BadInput(f"{shard.address} holds {len(listed)} samples, its sizes.json says {shard.n_samples}; build the set again")
        with atomic_write(kept) as file:
            file.write(json.dumps(listed).encode())
    return [Member(*row) for row in json.loads(kept.read_bytes())]


def scan(shard: Shard, cache: Path) -> list[Member]:
    """Read the headers of a tar: every key that has both a .flac and a .json, in order."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        for entry in remote_headers(shard, cache) if shard.remote else headers(Path(shard.address).open("rb")):
            key, _, kind = entry.name.rpartition("/")[2].partition(".")
            found.setdefault(key, {})[kind] = (entry.offset_data, entry.size)
    except tarfile.TarError as error:
        raise BadInput(f"{shard.address} is not a whole tar file: {error}") from error
    except FAILURES as error:
        raise BadInput(f"{shard.address} cannot be read: {reason(error)}") from error
    return [Member(key, *parts["flac"], *parts["json"]) for key, parts in found.items() if {"flac", "json"} <= parts.keys()]


@again
def remote_headers(shard: Shard, cache: Path) -> list[tarfile.TarInfo]:
    """List the entries of a remote tar, about 4 kB each; without ranges the tar is copied first."""
    try:
        return headers(open_ahead(shard.address))
    except ValueError:
        return headers(copy(shard.address, cache / shard.state).open("rb"))


def headers(opened: IO[bytes]) -> list[tarfile.TarInfo]:
    """List the entries of a tar."""
    with opened as file, tarfile.open(fileobj=file, mode="r:") as tar:
        return tar.getmembers()


def read_sample(shard: Shard, member: Member, cache: Path) -> tuple[bytes, bytes]:
    """Return FLAC and JSON of a sample, by one read of the part of the tar that holds both."""
    start = min(member.flac_at, member.json_at)
    data = read(shard, start, max(member.flac_at + member.flac_size, member.json_at + member.json_size) - start, cache)
    flac_at, json_at = member.flac_at - start, member.json_at - start
    return data[flac_at : flac_at + member.flac_size], data[json_at : json_at + member.json_size]


def read(shard: Shard, start: int, size: int, cache: Path) -> bytes:
    """Return bytes of a tar, wherever it lies."""
    if shard.remote:
        return read_part(shard.address, start, size, cache / shard.state)
    return read_at(Path(shard.address), start, size)
