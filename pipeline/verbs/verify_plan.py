"""Check the files of a plan: plan.json, the rows of each shard, the rows that were left out, the texts of a T5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.counted import counted
from pipeline.keys import sample_key
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import BUILD, INDEX, LEFT_OUT, NEW_PLAN, PLAN, RECIPE, T5_TEXTS, plan_name, planned_shard, shard_of
from pipeline.output.parquet_files import read_columns
from pipeline.output.plan_files import (
    CLIPS,
    REJECTIONS,
    count_left_out,
    read_keys,
    read_left_out,
    read_plan_file,
    row_faults,
    rows_sha256,
    summary,
)
from pipeline.output.plan_index import OutputFormatError, Plan, PlannedShard, read_plan
from pipeline.output.storage import Folder
from pipeline.output.t5_files import read_texts
from pipeline.records import MAX_DETAIL, Clip, Reason, ShardId
from pipeline.verbs.verify_books import HASH
from pipeline.verbs.verify_fault import OUTPUT_FOLDER, PLAN_AGAIN, Fault, Finding, shown, unread, why

NAME = f"{PLAN}/{INDEX}"
BEGINNINGS = (f"{PLAN}/", f"{NEW_PLAN}/", RECIPE, BUILD)
"""How the names of files begin that only an output folder has."""


def check_plan_index(folder: Folder, files: Mapping[str, object]) -> tuple[list[Fault], Plan | None]:
    """Return the faults of plan.json, and the plan; where plan.json cannot be read, the plan that the plan's files give.

    `None` in place of a plan: the folder holds no plan, or one of another version of this program.

    Args:
        files: the names of all files of the folder.
    """
    try:
        plan = read_plan(folder)
        value = folder.read_json(NAME)
    except (FileNotFoundError, NotADirectoryError):
        what, left = "missing, so this is not an output folder or its build was interrupted", None
        if not any(shard_of(name) is not None or name.startswith(BEGINNINGS) for name in files):
            return [Fault(None, None, NAME, "missing, so this is no output folder", OUTPUT_FOLDER)], None
    except DamagedFileError as error:
        what, left = f"damaged: {error.what}", None
    except OutputFormatError as error:
        return [Fault(None, None, NAME, str(error), "use the version that made it")], None
    except OSError as error:
        what, left = f"cannot be read ({why(error)})", None
    else:
        whats = [*_index_findings(plan), *(f"{name} is no value of a plan" for name in value if name not in {*plan.to_json(), "t5"})]
        return [Fault(None, None, NAME, what, PLAN_AGAIN) for what in whats], plan
    left = _plan_of_files(folder, files)
    return [Fault(None, None, NAME, what, PLAN_AGAIN)], left


def _plan_of_files(folder: Folder, files: Mapping[str, object]) -> Plan | None:
    """Return a plan with the shards whose plan files can be read, to check what is there; `None` where there are none."""
    shards = []
    for name in files:
        below = name.removeprefix(f"{PLAN}/")
        if below != name and (shard := planned_shard(below)) is not None and below == plan_name(shard):
            try:
                shards.append(PlannedShard(shard, *summary(folder, name)))
            except (DamagedFileError, OSError):  # named among the files that are not in the plan
                continue
    return Plan("", tuple(sorted(shards, key=lambda planned: planned.shard)), {}, {}) if shards else None


def _index_findings(plan: Plan) -> Iterator[str]:
    if not HASH.fullmatch(plan.fingerprint):
        yield f"fingerprint is {shown(plan.fingerprint)}, no SHA-256"
    planned = Counter[str]()
    indices: dict[str, list[int]] = {}
    for entry in plan.shards:
        planned[entry.shard.dataset] += entry.n_rows
        indices.setdefault(entry.shard.folder, []).append(entry.shard.index)
        if not entry.n_rows:
            yield f"{entry.shard} has no rows"
    for split, numbers in indices.items():
        if numbers != list(range(len(numbers))):
            yield f"{split} has the shards {shown(numbers)}, which do not count from 0 without gaps"
    for dataset in sorted(planned.keys() | plan.left_out.keys() | plan.rows_read.keys()):
        n_read, n_left = plan.rows_read.get(dataset, 0), sum(plan.left_out.get(dataset, {}).values())
        if n_read != planned[dataset] + n_left:
            yield f"{dataset}: {counted(n_read, 'row was', 'rows were')} read, {planned[dataset]} are planned and {n_left} left out"
    for dataset, reasons in plan.left_out.items():
        yield from (f"{dataset}: {reason!r} is no reason" for reason in reasons if reason not in set(Reason))


def check_plan_rows(folder: Folder, planned: PlannedShard) -> tuple[list[Finding], list[Clip] | None]:
    """Return what is wrong with the plan file of a shard, and its rows; `None` where they cannot be read."""
    shard, name = planned.shard, f"{PLAN}/{plan_name(planned.shard)}"
    try:
        schema = read_columns(folder, name)
        clips, keys = read_plan_file(folder, f"{PLAN}/{plan_name(shard)}"), read_keys(folder, shard)
        in_file = summary(folder, name)
    except (DamagedFileError, OSError) as error:
        return [Finding(None, unread(error))], None
    findings = [] if schema.names == CLIPS.names else [Finding(None, "its columns are not those of a plan file")]
    actual = len(clips), rows_sha256(clips)
    if actual != (planned.n_rows, planned.rows_sha256) or actual != in_file:
        findings.append(Finding(None, f"its {len(clips)} rows are not those that {INDEX} names"))
    findings += [Finding(clip.key, what) for clip, key in zip(clips, keys, strict=True) for what in _clip_findings(clip, key, shard)]
    return findings + list(_order_findings(clips)), clips


def _clip_findings(clip: Clip, key: str, shard: ShardId) -> Iterator[str]:
    yield from row_faults(clip, shard)
    if key != clip.key:
        yield f"has the key {shown(key)}"
    if not clip.captions or not all(caption.text.strip() for caption in clip.captions):
        yield "has no caption, or an empty one"


def _order_findings(clips: Sequence[Clip]) -> Iterator[Finding]:
    sort_keys = [clip.shard_sort_key for clip in clips]
    for clip, before, after in zip(clips[1:], sort_keys, sort_keys[1:], strict=False):
        if before >= after:
            yield Finding(clip.key, "is planned twice" if before == after else "is not in the order of recordings and starts")


def check_left_out(folder: Folder, plan: Plan) -> Iterator[Finding]:
    """Yield what is wrong with the rows that were left out of a plan."""
    name = f"{PLAN}/{LEFT_OUT}"
    try:
        columns, table = read_columns(folder, name), read_left_out(folder)
    except (DamagedFileError, OSError) as error:
        yield Finding(None, unread(error))
        return
    if columns.names != REJECTIONS.names:
        yield Finding(None, "its columns are not those of rows that were left out")
    rows = table.to_pylist()
    if plan.rows_read and count_left_out(table) != plan.left_out:
        yield Finding(None, f"its {len(rows)} rows are not those that {INDEX} counts")
    for row in rows:
        yield from (Finding(row["key"], what) for what in _left_out_findings(row))
    values = [tuple(value or "" for value in row.values()) for row in rows]
    if values != sorted(values):
        yield Finding(None, "its rows are not sorted")


def _left_out_findings(row: Mapping[str, Any]) -> Iterator[str]:
    lacking = [name for name, value in row.items() if value is None]
    if lacking:
        yield f"{', '.join(lacking)} has no value"
        return
    if row["reason"] not in set(Reason):
        yield f"reason is {shown(row['reason'])}, no reason"
    if row["reason"] == Reason.REMOVED:
        if any(row[name] for name in ("id", "key", "url", "detail")):
            yield "was removed, and its row still names it"
    elif row["key"] != sample_key(row["source"], row["id"]):
        yield f"its key is not that of source {shown(row['source'])} and id {shown(row['id'])}"
    if not row["stage"] or len(row["detail"]) > MAX_DETAIL:
        yield f"stage is {shown(row['stage'])}, detail has {len(row['detail'])} characters"


def check_t5_texts(folder: Folder, plan: Plan) -> Iterator[Finding]:
    """Yield what is wrong with the texts of a T5: their file, and the counts of plan.json."""
    try:
        rows = read_texts(folder)
    except (DamagedFileError, OSError) as error:
        yield Finding(None, unread(error))
        return
    if plan.t5 and not folder.exists(f"{PLAN}/{T5_TEXTS}"):
        yield Finding(None, "missing")
        return
    passed: dict[str, dict[tuple[str, ...], int]] = {}
    for row in rows:
        if row["rule"] is None:
            passed.setdefault(row["dataset"], {})[tuple(row["keywords"])] = row["n_clips"]
    for dataset in sorted(plan.t5.keys() | passed.keys()) if plan.rows_read else ():
        sets = passed.get(dataset, {})
        counted = plan.t5.get(dataset)
        given = None if counted is None else [counted["sets"][1], counted["clips"][1]]
        if given != [len(sets), sum(sets.values())]:
            yield Finding(None, f"{dataset}: {len(sets)} sets of keywords have a text that passes, {INDEX} counts others")
