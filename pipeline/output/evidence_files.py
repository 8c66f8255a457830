"""Read and write the evidence of a shard, `N_evidence.parquet`: what hosts answered about its recordings, and when.

It holds times, so two builds differ in it. No hash covers it and no marker names it; a shard without it is complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.columns import cells, columns, record_from, required
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import evidence_name
from pipeline.output.parquet_files import read_table
from pipeline.output.storage import Folder
from pipeline.records import Evidence, Rejection, Sample, ShardId

EVIDENCE_COLUMNS = pa.schema({"key": pa.string()} | columns(Evidence))


def write_evidence(outcomes: Iterable[tuple[str, Evidence]], path: Path) -> None:
    """Write (sample key, evidence) of the clips of a shard."""
    rows = [{"key": key} | cells(evidence) for key, evidence in outcomes]
    pq.write_table(pa.Table.from_pylist(rows, EVIDENCE_COLUMNS), path, compression="zstd")


def evidence_of(outcome: Sample | Rejection) -> Evidence | None:
    """Return what the host of a recording answered; `None` for a recording that was on this disk."""
    return outcome.provenance.evidence if outcome.provenance is not None else None


def checked_evidence(folder: Folder, shard: ShardId) -> dict[str, Evidence]:
    """Return the evidence of a shard by sample key.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: the file is damaged.
    """
    table = read_table(folder, evidence_name(shard), EVIDENCE_COLUMNS, required={"key"} | required(Evidence))
    return {row["key"]: record_from(Evidence, row) for row in table.to_pylist()}


def read_evidence(folder: Folder, shard: ShardId) -> dict[str, Evidence]:
    """Return the evidence of a shard by sample key; none where the file is missing or damaged."""
    try:
        return checked_evidence(folder, shard)
    except (OSError, DamagedFileError):
        return {}
