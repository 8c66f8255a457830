"""Write what a plan holds of one shard: its rows, and the full addresses of those whose address holds a secret."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.output.address_files import Addresses, write_addresses
from pipeline.output.layout import plan_name
from pipeline.output.plan_files import write_plan_lines
from pipeline.output.storage import Folder
from pipeline.records import ShardId


def write_shard_lines(shard: ShardId, lines: Sequence[str], addresses: Addresses, folder: Folder, below: str) -> str:
    """Write the plan file of one shard below `below`, from its rows as lines, and their full addresses; return the name of the file."""
    name = f"{below}/{plan_name(shard)}"
    with folder.workspace() as work:
        write_plan_lines(lines, work / "plan.parquet")
        folder.publish(work / "plan.parquet", name)
    write_addresses(shard, addresses, folder, below)
    return name
