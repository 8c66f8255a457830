"""Check that a removal was finished, and that the plan is without what was removed."""

from __future__ import annotations

from collections.abc import Container, Iterator

from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import INDEX, PLAN, REMOVED, REMOVING
from pipeline.output.plan_index import Plan
from pipeline.output.removals_file import read_removals
from pipeline.output.storage import Folder
from pipeline.verbs.verify_fault import BUILD, PLAN_AGAIN, Fault, unread


def check_removals(folder: Folder, files: Container[str], plan: Plan) -> Iterator[Fault]:
    """Yield a fault for a removal that was not finished, a file of removals that is damaged, and a plan of other removals."""
    if REMOVING in files:
        yield Fault(None, None, REMOVING, "a removal that was not finished", BUILD)
    try:
        removals = read_removals(folder)
    except (DamagedFileError, OSError) as error:
        remedy = "put the file back from a copy: without it a build would bring back what was removed"
        yield Fault(None, None, REMOVING if REMOVING in files else REMOVED, unread(error), remedy)
        return
    if plan.rows_read and plan.removed != removals.sha256:
        yield Fault(None, None, f"{PLAN}/{INDEX}", f"is not without what {REMOVED} names", PLAN_AGAIN)
