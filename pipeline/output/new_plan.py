"""Finish a new plan, which is written beside the previous plan, and replace that plan. May be interrupted anywhere and called again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pipeline.output.digests_index import read_index
from pipeline.output.layout import (
    ADDRESSES,
    DIGESTS_INDEX,
    EQUAL_SOUNDS,
    INDEX,
    LEFT_OUT,
    NEW_PLAN,
    PLAN,
    RETIRED,
    ROWS_READ,
    SHARED,
    T5_CACHE,
    T5_COUNTS,
    T5_TEXTS,
    is_name_of_ours,
    plan_name,
    planned_shard,
)
from pipeline.output.plan_files import count_left_out, read_left_out, summary
from pipeline.output.plan_index import LostRowsError, Plan, PlannedShard, read_plan
from pipeline.output.removals_file import read_removals
from pipeline.output.storage import Folder


def finish_plan(fingerprint: str, folder: Folder, prepare: Callable[[Plan], None] = lambda _: None) -> Plan:
    """Count the files of the new plan, replace the previous plan with it, and return it.

    Args:
        prepare: called with the new plan before it counts; when it raises, the previous plan stays.

    Raises:
        LostRowsError: rows that were read are neither planned nor left out; nothing was changed.
    """
    plan = _counted(fingerprint, folder)
    adopt(plan, folder, prepare)
    return plan


def adopt(plan: Plan, folder: Folder, prepare: Callable[[Plan], None] = lambda _: None) -> None:
    """Replace the previous plan with a new one. Files that the new plan's folder does not have stay as they are in the previous plan.

    Args:
        prepare: as in `finish_plan`.
    """
    prepare(plan)
    folder.write_json(f"{NEW_PLAN}/{INDEX}", plan.to_json())
    promote(folder)


def discard_new_plan(folder: Folder) -> None:
    """Remove the files of a plan that was not finished."""
    folder.remove_below(NEW_PLAN)


def promote_interrupted(folder: Folder, files: Iterable[str]) -> bool:
    """Finish or discard a new plan that a killed process left behind; return whether there was one.

    Args:
        files: the names of all files of the folder.
    """
    if any(name.startswith(f"{NEW_PLAN}/") for name in files):
        promote(folder)
        return True
    if folder.is_local:  # where a listing does not show empty folders
        discard_new_plan(folder)
    return False


def promote(folder: Folder) -> None:
    """Replace the previous plan with a complete new plan; remove an incomplete new plan."""
    if folder.exists(f"{NEW_PLAN}/{INDEX}"):
        plan = read_plan(folder, NEW_PLAN)
        new = {name.removeprefix(f"{NEW_PLAN}/") for name in folder.names(NEW_PLAN)}
        folder.remove(f"{PLAN}/{INDEX}")
        folder.move_all({f"{NEW_PLAN}/{name}": f"{PLAN}/{name}" for name in sorted(new - {INDEX})})
        needed = _files_of(plan) | _digests_of(plan, folder)
        for name in folder.names(PLAN):
            is_needed = name.removeprefix(f"{PLAN}/") in needed or name.startswith(f"{PLAN}/{ADDRESSES}/")
            if is_name_of_ours(name) and not is_needed:
                folder.remove(name)
        folder.move(f"{NEW_PLAN}/{INDEX}", f"{PLAN}/{INDEX}")
    discard_new_plan(folder)


def _files_of(plan: Plan) -> set[str]:
    """Return the names, relative to the plan's folder, of the files of a plan and of those that stay when plans change."""
    texts = {T5_TEXTS} if plan.t5 else set()
    return {INDEX, LEFT_OUT, T5_CACHE, EQUAL_SOUNDS, SHARED, RETIRED} | texts | {plan_name(planned.shard) for planned in plan.shards}


def _digests_of(plan: Plan, folder: Folder) -> set[str]:
    """Return the names, as `_files_of`, of the digests of the rows of a plan; none where those that are there belong to another plan."""
    index = read_index(folder, plan)
    return {DIGESTS_INDEX, *index.files} if index is not None else set()


def _counted(fingerprint: str, folder: Folder) -> Plan:
    """Return the plan whose files are in the new plan's folder, after checking that no row is missing."""
    rows_read, t5 = _take_json(folder, ROWS_READ), _take_json(folder, T5_COUNTS)
    names = (name.removeprefix(f"{NEW_PLAN}/") for name in folder.names(NEW_PLAN, ".parquet"))
    shards = [(shard, *summary(folder, f"{NEW_PLAN}/{name}")) for name in names if (shard := planned_shard(name)) is not None]
    planned = tuple(PlannedShard(*entry) for entry in sorted(shards))
    plan = Plan(fingerprint, planned, rows_read, count_left_out(read_left_out(folder, NEW_PLAN)), t5, read_removals(folder).sha256)
    n_read = sum(rows_read.values())
    if n_read != plan.n_clips + plan.n_left_out:
        raise LostRowsError(f"the engine lost rows: {n_read} were read, {plan.n_clips} planned, {plan.n_left_out} left out")
    return plan


def _take_json(folder: Folder, name: str) -> dict[str, Any]:
    """Return the content of a JSON file of the new plan, and remove the file; an empty dict where it is missing."""
    path = f"{NEW_PLAN}/{name}"
    try:
        value: dict[str, Any] = folder.read_json(path)
    except FileNotFoundError:
        return {}
    folder.remove(path)
    return value
