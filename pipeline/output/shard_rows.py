"""Read the planned rows of a shard together with what its books record of them: status and sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import pyarrow as pa

from pipeline.output.books import REJECTED, read_books
from pipeline.output.columns import required
from pipeline.output.layout import PLAN, plan_name
from pipeline.output.parquet_files import read_table
from pipeline.output.plan_files import CLIPS
from pipeline.output.plan_index import PlannedShard
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.records import Clip, ShardId

COLUMNS = ("key", "source", "id", "recording", "start", "end", "captions")

NO_SOUND = None, None


@dataclass(frozen=True, slots=True)
class ShardRows:
    """The rows of a shard, as columns in the order of the plan.

    `captions` are lists of structs as in the plan. `pcm` are hashes of frames, `None` for a row that has no sound yet; `fingerprints`
    are those of the books, empty for a row without a sound and for a sound without peaks.
    """

    shard: ShardId
    keys: Sequence[str]
    sources: Sequence[str]
    ids: Sequence[str]
    recordings: Sequence[str]
    starts: Sequence[float | None]
    ends: Sequence[float | None]
    captions: pa.ChunkedArray
    pcm: Sequence[str | None]
    fingerprints: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.keys)


def read_shard_rows(snapshot: Snapshot, planned: PlannedShard, with_rejected: bool) -> ShardRows:
    """Return the rows of a planned shard; without those that its books reject, unless `with_rejected`. A shard that is not built from
    these rows has no sounds.

    Raises:
        FileNotFoundError: its plan file or its books are missing.
        DamagedFileError: one of them is damaged.
    """
    folder, shard = snapshot.folder, planned.shard
    table = read_table(folder, f"{PLAN}/{plan_name(shard)}", CLIPS, COLUMNS, required(Clip) & set(COLUMNS) | {"key"})
    keys, sounds, rejected = table["key"].to_pylist(), dict[str, tuple[str | None, bytes | None]](), set()
    if snapshot.current_marker(planned) is not None:
        books = read_books(folder, shard, ["key", "status", "pcm_sha256", "fingerprint"]).to_pydict()
        sounds = dict(zip(books["key"], zip(books["pcm_sha256"], books["fingerprint"], strict=True), strict=True))
        rejected = {key for key, status in zip(books["key"], books["status"], strict=True) if status == REJECTED}
    if rejected and not with_rejected:
        table = table.filter(pa.array([key not in rejected for key in keys]))
        keys = table["key"].to_pylist()
    values = {name: table[name].to_pylist() for name in COLUMNS[1:-1]}
    return ShardRows(
        shard,
        keys,
        values["source"],
        values["id"],
        values["recording"],
        values["start"],
        values["end"],
        table["captions"],
        [sounds.get(key, NO_SOUND)[0] for key in keys],
        [sounds.get(key, NO_SOUND)[1] or b"" for key in keys],
    )


def rows_of_shards(snapshot: Snapshot, shards: Sequence[PlannedShard], with_rejected: bool = False) -> Iterator[ShardRows]:
    """Yield the rows of shards in their order, see `read_shard_rows`; those of a store are read concurrently."""
    if snapshot.folder.is_local:
        yield from (read_shard_rows(snapshot, planned, with_rejected) for planned in shards)
        return
    for at in range(0, len(shards), N_READERS):  # by parts: `map` would read all shards ahead of who asks for them
        part = shards[at : at + N_READERS]
        with ThreadPoolExecutor(N_READERS) as pool:
            yield from pool.map(read_shard_rows, repeat(snapshot), part, repeat(with_rejected))
