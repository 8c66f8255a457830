"""List the planned rows that are not in the books."""

from __future__ import annotations

import collections
from collections.abc import Iterator

from pipeline.counted import counted
from pipeline.output.books import read_books
from pipeline.output.plan_files import read_keys
from pipeline.output.snapshot import Snapshot


def missing_rows(snapshot: Snapshot) -> Iterator[str]:
    """Yield a line for each row that is in the plan or in the books of its shard, but not in both; a missing shard is one line."""
    assert snapshot.plan is not None
    for planned in snapshot.plan.shards:
        shard = planned.shard
        if snapshot.current_marker(planned) is None:
            yield f"{shard}: not built, {counted(planned.n_rows, 'row')}"
            continue
        in_books = collections.Counter(read_books(snapshot.folder, shard, ["key"])["key"].to_pylist())
        in_plan = collections.Counter(read_keys(snapshot.folder, shard))
        yield from (f"{shard}: {key} is in no books" for key in (in_plan - in_books).elements())
        yield from (f"{shard}: {key} is in the books and not in the plan" for key in (in_books - in_plan).elements())
