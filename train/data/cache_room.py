"""Bound the cache of remote shards: count the bytes that are kept, over all processes, and delete what other sets left there.

A full cache keeps what it has and takes nothing more. Each epoch reads every sample once in a new order, so a sample that stays is
read again for certain; to replace the oldest ones, as most caches do, would serve fewer of them.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock

COUNTER = "kept-bytes"  # name of the file that holds the count


def take_room(root: Path, n_bytes: int, most_bytes: int) -> bool:
    """Count a file that is to be kept below the folder `root`. Return False if it would be more than `most_bytes` with the others."""
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f"{COUNTER}.lock"):
        kept = _kept_bytes(root) + n_bytes
        if kept > most_bytes:
            return False
        (root / COUNTER).write_text(str(kept))
        return True


def make_room(root: Path, in_use: Collection[str], most_bytes: int) -> None:
    """If the cache is more than nine tenths full, delete the folders of shards that are not in use, by the names in `in_use`."""
    if not (root / COUNTER).exists():
        return
    with FileLock(root / f"{COUNTER}.lock"):
        if _kept_bytes(root) <= 0.9 * most_bytes:
            return
        for folder in _shard_folders(root):
            if folder.name not in in_use:
                shutil.rmtree(folder, ignore_errors=True)
        (root / COUNTER).write_text(str(_measure(root)))


def _kept_bytes(root: Path) -> int:
    """Return the count, or measure the folder where there is none yet, or a damaged one."""
    try:
        return int((root / COUNTER).read_text())
    except (FileNotFoundError, ValueError):
        return _measure(root)


def _measure(root: Path) -> int:
    return sum(file.stat().st_size for folder in _shard_folders(root) for file in folder.iterdir() if file.is_file())


def _shard_folders(root: Path) -> list[Path]:
    """List the folders of shards: their names are 24 hexadecimal digits."""
    return sorted(path for path in root.iterdir() if path.is_dir() and len(path.name) == 24 and set(path.name) <= set("0123456789abcdef"))
