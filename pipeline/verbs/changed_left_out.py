"""Change the rows that are left out of a plan: some are left out no more, others are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from pipeline.output.layout import LEFT_OUT, NEW_PLAN
from pipeline.output.plan_files import REJECTIONS, read_left_out, table_bytes, write_left_out
from pipeline.output.removals_file import read_removals
from pipeline.output.storage import Folder
from transforms.planning.added_rows import AddedRows
from transforms.planning.leave_out_removed import redacted
from transforms.planning.plan_difference import LeftOutRow, OtherPlanError, PlanDifference
from transforms.planning.row_digests import left_out_hash


def change_left_out(change: PlanDifference, added: AddedRows, folder: Folder) -> Mapping[str, int]:
    """Write the rows that are left out of a new plan; return by dataset how many rows sources reject no more.

    Raises:
        OtherPlanError: the plan does not leave out a row that it has to.
        DamagedFileError, FileNotFoundError: as `read_left_out`.
    """
    gone = Counter({number_of(row): n_rows for row, n_rows in change.no_longer_left_out.items()})
    gone.update(added.not_rejected)
    new = Counter(change.newly_left_out)
    new.update({added.rejected_rows[number]: n_rows for number, n_rows in added.rejected.items()})
    table = read_left_out(folder).replace_schema_metadata(None)
    datasets: dict[int, str] = {}
    if gone:
        stays = _without(table, gone, datasets)
        table = table.filter(pa.array(stays, pa.bool_()))
    more = pa.Table.from_pylist([dict(zip(REJECTIONS.names, row, strict=True)) for row in new.elements()], REJECTIONS)
    with folder.workspace() as work:
        table = redacted(pa.concat_tables([table, more]), read_removals(folder))
        write_left_out([table_bytes(table)], work / "left_out.parquet")
        folder.publish(work / "left_out.parquet", f"{NEW_PLAN}/{LEFT_OUT}")
    not_rejected = Counter[str]()
    for number, n_rows in added.not_rejected.items():
        not_rejected[datasets[number]] += n_rows
    return not_rejected


def number_of(row: LeftOutRow) -> int:
    """Return the number that digests have of a row that is left out."""
    return int.from_bytes(left_out_hash(row), "big")


def _without(table: pa.Table, gone: Mapping[int, int], datasets: dict[int, str]) -> list[bool]:
    """Return for each row of a table whether it stays; note the datasets of those that go by their number."""
    left, stays = Counter(gone), []
    for row in zip(*(table[name].to_pylist() for name in REJECTIONS.names), strict=True):
        number = number_of(row)
        stays.append(left[number] == 0)
        if left[number]:
            left[number] -= 1
            datasets[number] = row[0]
    if +left:
        raise OtherPlanError("the plan does not leave out the rows that it was made from")
    return stays
