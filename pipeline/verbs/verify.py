"""Compare the files of an output folder with each other: plan, tars, books, markers, sizes, recipe. Each fault is one line.

Every value that a second file holds or that follows from others is compared. What only one file holds cannot be compared:
where a recording was fetched from and how often it was tried, what a rejected row lost, what the rows left out while planning
held beside id, dataset and reason, versions and seconds. Nor can a change that was made in all files alike, such as a sample that
marker, books, tar, sizes and the hash of the compared sounds all call rejected: only a build from nothing shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.output.layout import LEFT_OUT, PLAN, T5_TEXTS
from pipeline.output.storage import Folder
from pipeline.verbs.made_with import made_with, other_versions
from pipeline.verbs.verify_fault import PLAN_AGAIN, Fault, Note
from pipeline.verbs.verify_files import (
    check_addresses,
    check_digests,
    check_equal_sounds,
    check_leaks,
    check_names,
    check_readme,
    check_recordings,
    check_shared,
    check_sizes,
    read_equal,
)
from pipeline.verbs.verify_plan import check_left_out, check_plan_index, check_t5_texts
from pipeline.verbs.verify_record import check_record
from pipeline.verbs.verify_removals import check_removals
from pipeline.verbs.verify_shard import ShardCheck, check_shard

if TYPE_CHECKING:
    from pipeline.engines.run import Engine


def verify(folder: Folder, deep: bool, engine: Engine | None = None) -> Iterator[Fault]:
    """Yield every fault of an output folder, and notes on what is right but unlike the rest; nothing when it has none.

    Args:
        deep: decode all audio too, and compare it with hash and statistics in the books.
        engine: checks the shards, and lets an interrupted `verify` go on; `None`: they are checked here, one after the other.
    """
    files = folder.listing()
    faults, plan = check_plan_index(folder, files)
    yield from faults
    if plan is None:
        return
    yield from (finding.at(None, f"{PLAN}/{LEFT_OUT}", PLAN_AGAIN) for finding in check_left_out(folder, plan))
    yield from (finding.at(None, f"{PLAN}/{T5_TEXTS}", PLAN_AGAIN) for finding in check_t5_texts(folder, plan))
    faults, recorded = check_record(folder, plan)
    yield from faults
    faults, equal = read_equal(folder)
    yield from faults
    checks = [
        ShardCheck(planned, recorded.limits.get(planned.shard.dataset), None if equal is None else equal.of(planned.shard), deep)
        for planned in plan.shards
    ]
    if engine is None:
        checked = [check_shard(folder, check) for check in checks]
    else:
        engine.load()
        from pipeline.verbs.verify_results import check_on_engine  # imports Beam

        checked = check_on_engine(folder, files, checks, engine)
    for each in checked:
        yield from each.faults
    if equal is not None:
        yield from check_equal_sounds(equal, checked, folder, recorded.similar)
    yield from check_sizes(folder, checked)
    if recorded.name is not None:
        yield from check_readme(folder, recorded.name, checked)
    yield from check_recordings(folder)
    yield from check_addresses(folder, files)
    yield from check_shared(folder, files)
    yield from check_digests(folder, files)
    yield from check_leaks(folder, files)
    yield from check_removals(folder, files, plan)
    versions = ((each.shard, each.versions) for each in checked if each.versions is not None)
    yield from (Note(None, None, "", line, "") for line in other_versions(made_with(versions)))
    yield from check_names(files, plan.shards, bool(plan.t5) or not plan.rows_read)
