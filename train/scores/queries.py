"""Write the rank of every query as Parquet: what a model got wrong, and the numbers from which its scores follow."""

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from train.errors import BadInput
from train.loop.atomic import atomic_write
from train.scores.datasets import Scored

SCHEMA = pa.schema(
    {
        "dataset": pa.string(),
        "protocol": pa.string(),
        "way": pa.string(),
        "key": pa.string(),
        "text": pa.string(),
        "rank": pa.int32(),
        "similarity": pa.float32(),
        "first": pa.string(),
    }
)


def check_suffix(path: Path) -> None:
    """Raise BadInput unless the file is to be Parquet."""
    if path.suffix != ".parquet":
        raise BadInput(f"--ranks {path} has a suffix that is not supported; .parquet is")


def write_queries(path: Path, scored: list[Scored]) -> None:
    """Write a row for each query and each result that is right for it; `Queries` says what the columns are."""
    tables = [
        pa.table({"dataset": [each.dataset] * n, "protocol": [each.protocol.name] * n, **asdict(each.queries)}, SCHEMA)
        for each in scored
        for n in [len(each.queries.rank)]
    ]
    with atomic_write(path) as file:
        pyarrow.parquet.write_table(pa.concat_tables(tables), file)
