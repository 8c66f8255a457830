"""Hold shards whose clips a new plan puts into other shards, until these are built: their audio is copied, not fetched again.

Each new plan adds a folder `.moved/N` with N = 0, 1, ..., since an interrupted build may leave earlier ones. A build that has
made every shard removes all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.output.layout import MOVED, is_name_of_ours, names_of, shard_of
from pipeline.output.storage import Folder
from pipeline.records import ShardId


def hold(folder: Folder, shards: Iterable[ShardId], files: Iterable[str]) -> None:
    """Copy shards to a new folder below `.moved`, the marker last; on a local disk a copy is a hard link and takes no space.

    Args:
        files: the names of all files of the folder.
    """
    files = frozenset(files)
    number = 1 + max((int(name.split("/")[1]) for name in files if is_held(name)), default=-1)
    for shard in shards:
        for name in reversed(names_of(shard)):
            if name in files:
                folder.copy(name, f"{MOVED}/{number}/{name}")


def held_shards(files: Iterable[str]) -> dict[str, list[ShardId]]:
    """Return the shards that are held: name of their folder below the output folder -> shards, the latest first."""
    held: dict[int, set[ShardId]] = {}
    for name in filter(is_held, files):
        _, number, rest = name.split("/", 2)
        if (shard := shard_of(rest)) is not None:
            held.setdefault(int(number), set()).add(shard)
    return {f"{MOVED}/{number}": sorted(held[number]) for number in sorted(held, reverse=True)}


def held_folder(folder: Folder, below: str) -> Folder:
    """Return the folder `below`, as `held_shards` names it: it is read like an output folder."""
    return Folder(f"{folder.root.rstrip('/')}/{below}")


def release(folder: Folder, files: Mapping[str, object]) -> None:
    """Remove every shard that is held, and no other file."""
    held = [name for name in files if is_held(name) and is_name_of_ours(name)]
    for name in held:
        folder.remove(name)
    for below in sorted({name.rpartition("/")[0] for name in held}):
        folder.remove_empty(below)


def is_held(name: str) -> bool:
    """Return whether a file of an output folder belongs to a shard that is held."""
    return name.startswith(f"{MOVED}/") and name.split("/")[1].isdecimal()
