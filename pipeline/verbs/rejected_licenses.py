"""Count the licences for which a plan left rows out: in the words of the tables, where no licence list knows them."""

from __future__ import annotations

from collections import Counter

from pipeline.output.layout import LEFT_OUT, PLAN
from pipeline.output.plan_index import Plan
from pipeline.output.storage import Folder
from pipeline.records import Reason

BEFORE_ALLOWED = ", allowed: "
"""What `check_license` writes between the licence and those that are allowed."""


def rejected_licenses(folder: Folder, plan: Plan) -> dict[str, int]:
    """Return how many rows each licence left out of the plan, the most frequent first; reads nothing where there are none.

    Raises:
        DamagedFileError: plan/rejections.parquet is damaged.
        FileNotFoundError: it is missing.
    """
    if not any(Reason.LICENSE in reasons for reasons in plan.left_out.values()):
        return {}
    import pyarrow.compute as pc  # `status` needs pyarrow for nothing else

    from pipeline.output.parquet_files import read_table
    from pipeline.output.plan_files import REJECTIONS

    table = read_table(folder, f"{PLAN}/{LEFT_OUT}", REJECTIONS, ["reason", "detail"])
    details = table.filter(pc.equal(table["reason"], str(Reason.LICENSE)))["detail"]
    counts = Counter[str]()
    for entry in pc.value_counts(details).to_pylist():  # a few texts, however many rows
        text = entry["values"] or ""
        counts[text.rpartition(BEFORE_ALLOWED)[0] or text] += entry["counts"]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
