"""Find the shards whose recordings a build asks for again although the full addresses of some are not held any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from pipeline.masking import is_masked, mask_address
from pipeline.output.address_files import read_addresses
from pipeline.output.books import read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import PLAN, plan_name
from pipeline.output.parquet_files import read_table
from pipeline.output.plan_files import CLIPS
from pipeline.output.plan_index import PlannedShard
from pipeline.output.snapshot import Snapshot
from pipeline.records import TRANSIENT, Reason, ShardId
from pipeline.verbs.rounds import shard_task
from transforms.shards.shard_task import SettingsHashOf


def lacking_addresses(
    snapshot: Snapshot, settings_hash_of: SettingsHashOf | None = None, retried: Set[Reason] = frozenset()
) -> Iterator[ShardId]:
    """Yield the shards with clips that are asked for again by an address which is masked, and whose full form is not held.

    Args:
        settings_hash_of: as the build has it; `None`: only shards that are not built from the plan's rows are made again.
        retried: reasons of the rows that are tried again; none: those of rows that are left for later.
    """
    assert snapshot.plan is not None
    for planned in snapshot.plan.shards:
        marker = snapshot.current_marker(planned)
        if marker is None or (
            settings_hash_of is not None
            and not snapshot.finished(planned.shard, shard_task(planned, settings_hash_of, snapshot.equal_sounds).inputs_sha256)
        ):
            urls = _planned_urls(snapshot, planned)
        elif marker.reasons.keys() & retried if retried else marker.left:
            urls = _rejected_urls(snapshot, planned, retried or TRANSIENT)
        else:
            continue
        masked = {key: url for key, url in urls.items() if is_masked(url)}
        if masked:
            held = read_addresses(snapshot, planned.shard)
            if any(key not in held or mask_address(held[key]) != url for key, url in masked.items()):
                yield planned.shard


def _planned_urls(snapshot: Snapshot, planned: PlannedShard) -> Mapping[str, str]:
    table = read_table(snapshot.folder, f"{PLAN}/{plan_name(planned.shard)}", CLIPS, ["key", "url"], ["key", "url"])
    return dict(zip(table["key"].to_pylist(), table["url"].to_pylist(), strict=True))


def _rejected_urls(snapshot: Snapshot, planned: PlannedShard, reasons: Set[Reason]) -> Mapping[str, str]:
    """Return the addresses by key of the rows that were rejected with one of some reasons; of all rows where the books are damaged."""
    try:
        rows = read_books(snapshot.folder, planned.shard, ["key", "url", "reason"]).to_pylist()
    except (OSError, DamagedFileError):
        return _planned_urls(snapshot, planned)
    return {row["key"]: row["url"] for row in rows if row["reason"] in reasons}
