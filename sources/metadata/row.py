"""The row of a table, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    `number` counts from 1: lines of the file (jsonl), or records after the header (csv, tsv, parquet). `values` maps
    column names to cells, which `cells` converts. `fault` says why `values` is wrong; it is empty for a good row.
    """

    number: int
    values: dict[str, Any]
    fault: str = ""
