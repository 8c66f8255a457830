"""Make folders of many shards in little time: one shard that was built, again and again under other names. Tars are hard links."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipeline.output.disk import link_or_copy
from pipeline.output.json_values import json_bytes
from pipeline.output.layout import INDEX, PLAN, books_name, marker_name, plan_name, tar_name
from pipeline.output.plan_index import Plan, PlannedShard, read_plan
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId


def repeat_shard(built: Path, shard: ShardId, n_shards: int, output: Path) -> Plan:
    """Write a folder whose dataset has `n_shards` copies of one shard of a built folder, and return its plan.

    The clips of all copies have the same keys, which no build would write; whatever counts rows does not see it.
    """
    source, target = Folder(str(built)), Folder(str(output))
    marker, planned = take_snapshot(source).markers[shard], next(each for each in read_plan(source).shards if each.shard == shard)
    copies = [ShardId(shard.dataset, shard.split, number) for number in range(n_shards)]
    for copy in copies:
        names = {f"{PLAN}/{plan_name(shard)}": f"{PLAN}/{plan_name(copy)}", books_name(shard): books_name(copy)}
        for name, to in (names | {tar_name(shard): tar_name(copy)}).items():
            link_or_copy(built / name, output / to)
        (output / marker_name(copy)).write_bytes(json_bytes(dataclasses.replace(marker, shard=copy).to_json()))
    rows = {shard.dataset: planned.n_rows * n_shards}
    plan = Plan("fingerprint", tuple(PlannedShard(copy, planned.n_rows, planned.rows_sha256) for copy in copies), rows, {})
    target.write_json(f"{PLAN}/{INDEX}", plan.to_json())
    return plan
