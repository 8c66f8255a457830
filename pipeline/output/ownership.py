"""Keep files that are not ours: a build writes only into a folder that is empty or ours, and removes only its own shards."""

from __future__ import annotations

from collections.abc import Iterable, Set

from pipeline.output.layout import (
    BUILD,
    INDEX,
    LEDGER,
    LOCK,
    MOVED,
    NEW_PLAN,
    PLAN,
    RECORDINGS,
    REMOVED,
    REMOVING,
    RETIRED,
    SLOTS,
    STAGED,
    WAITING,
    WORK,
    is_name_of_ours,
    names_of,
    sizes_name,
)
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import READY, TEMPORARY, Folder
from pipeline.records import ShardId

OF_A_FIRST_BUILD = frozenset(
    {PLAN, NEW_PLAN, WORK, LOCK, f"{LOCK}.owner", MOVED, RECORDINGS, REMOVED, REMOVING, LEDGER, f"{LEDGER}-journal", f"{LEDGER}-owners"}
    | {SLOTS, STAGED, WAITING}
)
"""Names that a build which was killed before its end may leave at the top of a new folder."""
OF_SYSTEMS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "lost+found", ".gitkeep", ".gitignore", ".directory"})
"""Names that programs write into empty folders."""


class ForeignFilesError(ValueError):
    """A build would write among or over files that are not ours. Nothing was changed."""


def check_folder(folder: Folder) -> None:
    """Accept a folder that is missing, empty or ours: ours has a plan, or the record of a build.

    Raises:
        ForeignFilesError: it has other files.
    """
    top = folder.top_names()
    if BUILD in top or any(below in top and folder.exists(f"{below}/{INDEX}") for below in (PLAN, NEW_PLAN)):
        return
    foreign = sorted(top - OF_A_FIRST_BUILD - OF_SYSTEMS) or _foreign_below(folder, top)
    if not foreign:
        return
    names = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
    raise ForeignFilesError(f"{folder.root}: holds files that no build made ({names}); give a folder that is empty or new")


def _foreign_below(folder: Folder, top: Set[str]) -> list[str]:
    """Return the files in the folders of a first build that no build gives such a name."""
    names = folder.names() if top & {PLAN, NEW_PLAN, MOVED} else []
    foreign = [name for name in names if name.startswith((f"{PLAN}/", f"{NEW_PLAN}/", f"{MOVED}/")) and not is_name_of_ours(name)]
    unfinished = Folder(f"{folder.root.rstrip('/')}/{WORK}").top_names() if WORK in top else set()
    return foreign + sorted(f"{WORK}/{name}" for name in unfinished if not name.startswith((TEMPORARY, READY)))


def check_names(new: Iterable[ShardId], files: Set[str]) -> None:
    """Accept new shards whose names are free.

    Args:
        new: shards that no build of this folder has made.
        files: the names of all files of the folder.

    Raises:
        ForeignFilesError: a file has the name of one of their files.
    """
    names = (name for shard in sorted(new) for name in reversed(names_of(shard)))
    taken = next((name for name in names if name in files), None)
    if taken is not None:
        raise ForeignFilesError(
            f"{taken}: a file of this name stands there, and no build made it; move it away, or build into another folder"
        )


def retired_shards(snapshot: Snapshot) -> frozenset[ShardId]:
    """Return the shards of earlier plans that are not removed yet; none where their list is damaged."""
    name = f"{PLAN}/{RETIRED}"
    try:
        return frozenset(map(ShardId.parse, snapshot.folder.read_json(name))) if name in snapshot.files else frozenset()
    except (ValueError, TypeError, AttributeError):
        return frozenset()


def remove_retired(snapshot: Snapshot) -> list[ShardId]:
    """Remove the shards that earlier plans had and the plan does not have, each marker first; return them."""
    assert snapshot.plan is not None
    folder, wanted = snapshot.folder, {planned.shard for planned in snapshot.plan.shards}
    stale = sorted(retired_shards(snapshot) - wanted)
    splits = sorted({shard.folder for shard in stale} - {shard.folder for shard in wanted})
    for split in splits:  # before their shards: a build that is killed here finds the shards again, but not a file without shards
        folder.remove(sizes_name(split))
    for shard in stale:
        for name in filter(snapshot.files.__contains__, names_of(shard)):
            folder.remove(name)
    for split in splits:
        folder.remove_empty(split)
    if f"{PLAN}/{RETIRED}" in snapshot.files:
        folder.remove(f"{PLAN}/{RETIRED}")
    return stale
