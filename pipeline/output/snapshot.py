"""Take a snapshot of an output folder for every verb to use: one listing of its files, one concurrent read of its plan and markers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.output.damage import DamagedFileError
from pipeline.output.disk import FileState
from pipeline.output.layout import INDEX, MARKER, PLAN, REMOVED, REMOVING, marker_name, shard_of
from pipeline.output.markers import Marker
from pipeline.output.object_store import N_AT_ONCE
from pipeline.output.plan_index import DamagedPlanError, OutputFormatError, Plan, PlannedShard, read_plan
from pipeline.output.storage import Folder
from pipeline.records import ShardId

if TYPE_CHECKING:
    from pipeline.output.equal_sounds_file import EqualSounds

N_READERS = N_AT_ONCE
"""Markers read at once from a store. A local disk is read by one thread: several wait for each other in Python for longer than the disk
takes (5,000 markers: 0.4 s by one thread, 1.3 s by 32)."""

KnownMarkers = Mapping[ShardId, tuple[FileState, Marker]]
"""Shard -> state of the file of its marker, and the marker that was read from it."""
NOTHING_KNOWN: KnownMarkers = MappingProxyType({})


@dataclass(frozen=True)
class Snapshot:
    """The state of an output folder at one moment.

    `files` has the state of every file by name, `markers` the readable markers, `unreadable` a reason for each marker that could
    not be read: its shard counts as not built.
    """

    folder: Folder
    files: Mapping[str, FileState] = field(repr=False)
    plan: Plan | None = field(repr=False)
    markers: Mapping[ShardId, Marker] = field(repr=False)
    unreadable: Mapping[ShardId, str] = field(default_factory=dict)

    @cached_property
    def equal_sounds(self) -> EqualSounds:
        """The equal sounds of the folder, read when they are first asked for."""
        from pipeline.output.equal_sounds_file import read_equal_sounds  # imports pyarrow, which `status` does not need

        return read_equal_sounds(self.folder)

    @cached_property
    def removed(self) -> str:
        """The hash of what was removed from the folder, empty where nothing was; raises as `read_removals`."""
        if REMOVED not in self.files and REMOVING not in self.files:
            return ""
        from pipeline.output.removals_file import read_removals  # imports pyarrow

        return read_removals(self.folder).sha256

    def has_plan_of(self, fingerprint: str) -> bool:
        """Return whether the folder has the plan of a recipe, given its fingerprint, without the clips that were removed."""
        return self.plan is not None and self.plan.fingerprint == fingerprint and self.plan.removed == self.removed

    def finished(self, shard: ShardId, inputs_sha256: str) -> bool:
        """Return whether a shard was made from these inputs, and its tar and books have the sizes that its marker records."""
        marker = self.markers.get(shard)
        return marker is not None and marker.is_finished(shard, inputs_sha256, self._size)

    def _size(self, name: str) -> int | None:
        return self.files[name].size if name in self.files else None

    def current_marker(self, planned: PlannedShard) -> Marker | None:
        """Return the marker of a planned shard if it was built from the rows that the plan now has for it."""
        marker = self.markers.get(planned.shard)
        return marker if marker is not None and marker.rows_sha256 == planned.rows_sha256 else None

    def known(self) -> KnownMarkers:
        """Return the markers with the states of their files, for the next snapshot."""
        return {shard: (self.files[marker_name(shard)], marker) for shard, marker in self.markers.items()}

    def shards(self) -> list[ShardId]:
        """Return the shards that have a file in the folder, planned or not, sorted."""
        return sorted({shard for name in self.files if (shard := shard_of(name)) is not None})


def take_snapshot(folder: Folder, needs_plan: bool = True, known: KnownMarkers = NOTHING_KNOWN) -> Snapshot:
    """Return the snapshot of a folder, empty where the folder is empty or missing.

    Args:
        needs_plan: whether a damaged plan is an error; otherwise the snapshot then has no plan.
        known: markers that were read before; those whose files are the same are not read again.

    Raises:
        OutputFormatError: its plan or a marker was written by another version.
        DamagedPlanError: its plan is damaged, and needed.
    """
    files = folder.listing()
    try:
        plan = read_plan(folder) if f"{PLAN}/{INDEX}" in files else None
    except DamagedPlanError:
        if needs_plan:
            raise
        plan = None
    shards = [shard for name in files if name.endswith(MARKER) and (shard := shard_of(name)) is not None]
    same = {shard: read[1] for shard in shards if (read := known.get(shard)) is not None and read[0] == files[marker_name(shard)]}
    markers, unreadable = read_markers(folder, (shard for shard in shards if shard not in same))
    return Snapshot(folder, files, plan, same | markers, unreadable)


def read_markers(folder: Folder, shards: Iterable[ShardId]) -> tuple[dict[ShardId, Marker], dict[ShardId, str]]:
    """Return the markers of shards, read concurrently; and for each marker that cannot be read the reason."""
    waiting, n_readers = list(shards), 1 if folder.is_local else N_READERS
    with ThreadPoolExecutor(n_readers) as pool:
        parts = pool.map(lambda part: [(shard, _read(folder, shard)) for shard in part], [waiting[n::n_readers] for n in range(n_readers)])
        results = sorted(itertools.chain.from_iterable(parts), key=lambda result: result[0])
    markers = {shard: result for shard, result in results if isinstance(result, Marker)}
    return markers, {shard: result for shard, result in results if isinstance(result, str)}


def _read(folder: Folder, shard: ShardId) -> Marker | str:
    """Return a marker, or why it cannot be read."""
    try:
        marker = Marker.from_json(folder.read_json(marker_name(shard)))
    except OutputFormatError:
        raise
    except OSError as error:
        if not folder.is_local and not isinstance(error, FileNotFoundError):  # the store failed, not the marker
            raise
        return error.strerror or type(error).__name__
    except DamagedFileError as error:
        return f"damaged ({error.what})"
    except ValueError as error:
        return f"damaged ({error})"
    return marker if marker.shard == shard else f"it is the marker of {marker.shard}"
