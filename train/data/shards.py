"""Find shards, local or remote, and index their samples: `<root>/<dataset>/<split>/N.tar` beside sizes.json."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import fsspec

from train.data.ranges import FAILURES, cached_range, copy_file, first_line, local_range, open_remote, retry_transfer
from train.errors import BadInput
from train.loop.atomic import atomic_write

SPLITS = {"train": ("train", "balanced_train", "unbalanced_train"), "valid": ("valid",), "test": ("test", "eval")}


class Shard(NamedTuple):
    """One tar.

    address: path or URL. n_samples: as counted in sizes.json. cache_key: changes when size or date of the tar change.
    """

    address: str
    n_samples: int
    cache_key: str

    @property
    def remote(self) -> bool:
        return "://" in self.address


class Member(NamedTuple):
    """Position of one sample in its tar, in bytes."""

    key: str
    flac_start: int
    flac_size: int
    json_start: int
    json_size: int


def find_shards(root: str, split: str) -> list[Shard]:
    """List the shards of a split in all datasets below root, sorted by dataset and number.

    root: a folder or an s3://, gs://, http(s):// address. Raise BadInput if it cannot be read or has no samples of the split.
    """
    if "://" not in root and not Path(root).is_dir():
        raise BadInput(f"{root} is no folder; give the folder that a build wrote (it holds <dataset>/<split>/0.tar)")
    names = SPLITS.get(split, (split,))
    try:
        files, path = fsspec.core.url_to_fs(root.rstrip("/"))
        patterns = [f"{path}/{deep}{name}/sizes.json" for name in names for deep in ("*/", "")]
        sizes_files = sorted({file for pattern in patterns for file in files.glob(pattern)})
        shards = [shard for sizes in sizes_files for shard in _read_sizes(files, sizes)]
    except (*FAILURES, ImportError) as error:
        raise BadInput(f"{root} cannot be read: {first_line(error)}") from error
    if not shards:
        raise BadInput(f"{root} has no samples of split {split!r}: looked for */{'|'.join(names)}/sizes.json and found {len(sizes_files)}")
    return shards


def _read_sizes(files: fsspec.AbstractFileSystem, sizes: str) -> Iterator[Shard]:
    """Yield the shards that one sizes.json names. Raise BadInput if one of them does not exist."""
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
            info = {key: value for key, value in files.info(f"{folder}/{name}").items() if key != "url"}  # URLs may carry a new signature
        except FileNotFoundError:
            raise BadInput(f"{sizes} names {name}, which does not exist; build the set again or correct sizes.json") from None
        if counts[name]:
            yield Shard(address, counts[name], hashlib.sha256(repr((address, info)).encode()).hexdigest()[:24])


def fingerprint(shards: list[Shard]) -> str:
    """Return a hash of the names and counts of the shards, by which a resumed run recognises its data."""
    return hashlib.sha256(repr([(Path(s.address).name, s.n_samples) for s in shards]).encode()).hexdigest()[:16]


def list_members(shard: Shard, cache: Path) -> list[Member]:
    """List the samples of a shard. The list is kept in the cache folder until the shard changes."""
    index = cache / f"{shard.cache_key}.json"
    if not index.exists():
        members = scan_tar(shard, cache)
        if len(members) != shard.n_samples:
            raise BadInput(f"{shard.address} holds {len(members)} samples, its sizes.json says {shard.n_samples}; build the set again")
        with atomic_write(index) as file:
            file.write(json.dumps(members).encode())
    return [Member(*row) for row in json.loads(index.read_bytes())]


def scan_tar(shard: Shard, cache: Path) -> list[Member]:
    """Read the headers of a tar. Return every key that has both a .flac and a .json, in the order of the tar."""
    entries: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        for entry in remote_headers(shard, cache) if shard.remote else read_headers(Path(shard.address).open("rb")):
            key, _, kind = entry.name.rpartition("/")[2].partition(".")
            entries.setdefault(key, {})[kind] = (entry.offset_data, entry.size)
    except tarfile.TarError as error:
        raise BadInput(f"{shard.address} is not a complete tar file: {error}") from error
    except FAILURES as error:
        raise BadInput(f"{shard.address} cannot be read: {first_line(error)}") from error
    return [Member(key, *parts["flac"], *parts["json"]) for key, parts in entries.items() if {"flac", "json"} <= parts.keys()]


@retry_transfer
def remote_headers(shard: Shard, cache: Path) -> list[tarfile.TarInfo]:
    """List the entries of a remote tar, reading about 4 kB each. If the server has no ranges, the tar is copied first."""
    try:
        return read_headers(open_remote(shard.address))
    except ValueError:
        return read_headers(copy_file(shard.address, cache / shard.cache_key).open("rb"))


def read_headers(opened: IO[bytes]) -> list[tarfile.TarInfo]:
    """List the entries of an opened tar, and close it."""
    with opened as file, tarfile.open(fileobj=file, mode="r:") as tar:
        return tar.getmembers()


def read_sample(shard: Shard, member: Member, cache: Path) -> tuple[bytes, bytes]:
    """Return FLAC and JSON of a sample, by one read of the range that holds both."""
    start = min(member.flac_start, member.json_start)
    end = max(member.flac_start + member.flac_size, member.json_start + member.json_size)
    data = read_range(shard, start, end - start, cache)
    flac_start, json_start = member.flac_start - start, member.json_start - start
    return data[flac_start : flac_start + member.flac_size], data[json_start : json_start + member.json_size]


def read_range(shard: Shard, start: int, size: int, cache: Path) -> bytes:
    """Return `size` bytes of a tar from byte `start` on, local or remote."""
    if shard.remote:
        return cached_range(shard.address, start, size, cache / shard.cache_key)
    return local_range(Path(shard.address), start, size)
