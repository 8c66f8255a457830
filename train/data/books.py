"""Read where the samples of a remote shard lie, and their texts, from a small table beside it: one request instead of two a sample.

The table of `0.tar` is `0.index.parquet`, which `python -m train index` writes, or `0.parquet`, the books that a build writes.
"""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from train.data.members import SAMPLE, Members
from train.data.shards import Shard
from train.data.tar import BLOCK

RECORD = 20 * BLOCK  # the size of a tar is a multiple of it
POSITIONS = ("audio_start", "text_start", "audio_size", "text_size")
OF_INDEX = pa.schema(
    [("name", pa.string()), *((name, pa.int64()) for name in POSITIONS), ("text_json", pa.string()), ("tar_bytes", pa.int64())]
)
OF_BOOKS = ("key", "status", "flac_bytes", "json_bytes", "text_json")


def read_books(data: bytes, shard: Shard) -> tuple[Members, list[str]] | None:
    """Return the samples of a shard, and the JSON of their texts. None if the table does not hold them, or is not of this shard."""
    try:
        file = pq.ParquetFile(BytesIO(data))
        if set(OF_INDEX.names) <= set(file.schema_arrow.names):
            return _of_index(file.read(OF_INDEX.names), shard)
        if set(OF_BOOKS) <= set(file.schema_arrow.names):
            return _of_books(file.read(list(OF_BOOKS)), shard)
    except (pa.ArrowException, OSError):
        pass  # another program's file of the same name
    return None


def write_index(members: Members, texts: list[str], shard: Shard) -> bytes:
    """Return the table of a shard."""
    names = [name.decode() for name in members.file_names()]
    columns = {"name": names, **{name: members.rows[name].astype(np.int64) for name in POSITIONS}, "text_json": texts}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({**columns, "tar_bytes": [shard.n_bytes] * len(names)}, OF_INDEX), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _of_index(table: pa.Table, shard: Shard) -> tuple[Members, list[str]] | None:
    if not len(table) or shard.n_bytes not in (-1, table["tar_bytes"][0].as_py()):
        return None
    return _members(table["name"].to_pylist(), {name: table[name].to_numpy() for name in POSITIONS}), table["text_json"].to_pylist()


def _of_books(table: pa.Table, shard: Shard) -> tuple[Members, list[str]] | None:
    """Compute the positions in a tar that holds nothing but KEY.flac and KEY.json of each sample, in the order of the books."""
    table = table.filter(pa.compute.equal(table["status"], "sample"))
    if not len(table) or any(table[name].null_count for name in OF_BOOKS):
        return None
    flac, text = (table[name].to_numpy() for name in ("flac_bytes", "json_bytes"))
    ends = np.cumsum(2 * BLOCK + _padded(flac) + _padded(text))
    end = -(-(int(ends[-1]) + 2 * BLOCK) // RECORD) * RECORD
    if shard.n_bytes not in (-1, end):
        return None
    starts = ends - _padded(text)
    positions = {"audio_start": starts - BLOCK - _padded(flac), "text_start": starts, "audio_size": flac, "text_size": text}
    return _members([f"{key}.json" for key in table["key"].to_pylist()], positions), table["text_json"].to_pylist()


def _padded(sizes: np.ndarray) -> np.ndarray:
    return -(-sizes // BLOCK) * BLOCK


def _members(names: list[str], positions: dict[str, np.ndarray]) -> Members:
    encoded = [name.encode() for name in names]
    rows = np.empty(len(names), SAMPLE)
    for name, values in positions.items():
        rows[name] = values
    rows["name_start"] = np.cumsum([0, *map(len, encoded)])[:-1]
    return Members(rows, b"".join(encoded))
