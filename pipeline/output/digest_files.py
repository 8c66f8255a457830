"""Read and write the digests of the rows that a plan was made from, so that rows can be added to it without planning the others again.

They hold hashes alone, a line for each row. Where they are missing or damaged, all rows are planned again. See `digests_index.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.damage import DamagedFileError
from pipeline.output.digests_index import sha256_of
from pipeline.output.layout import N_DIGESTS, PLAN, digests_name
from pipeline.output.storage import Folder

NO_CLIP = -1
"""In place of the number of a row: the source rejected it, and it has neither a recording nor a key."""


@dataclass(frozen=True, slots=True)
class RowDigests:
    """Hashes of rows, one array of 64-bit numbers a column.

    `rows` are of all that planning uses of a row but its number in its source, `recordings` and `keys` of its recording and of its sample
    key with its dataset; `other_keys` of the key that it gets if others have the same, 0 for rows that keep theirs. `numbers` are those of
    the rows in their sources, or `NO_CLIP`; `sources` count from 0 in the order of the recipe.
    """

    rows: np.ndarray
    recordings: np.ndarray
    keys: np.ndarray
    other_keys: np.ndarray
    numbers: np.ndarray
    sources: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: np.ndarray) -> RowDigests:
        """Return the rows at some positions, or where a mask is true."""
        return RowDigests(*(getattr(self, name)[at] for name in NAMES))


NAMES = tuple(each.name for each in dataclasses.fields(RowDigests))
_TYPES = dict(zip(NAMES, (np.uint64, np.uint64, np.uint64, np.uint64, np.int64, np.uint16), strict=True))
_SCHEMA = pa.schema({name: pa.from_numpy_dtype(kind) for name, kind in _TYPES.items()})


def no_digests() -> RowDigests:
    """Return digests of no rows."""
    return RowDigests(*(np.empty(0, kind) for kind in _TYPES.values()))


def joined(parts: Iterable[RowDigests]) -> RowDigests:
    """Return the digests of several batches of rows as one."""
    given = [no_digests(), *parts]
    return RowDigests(*(np.concatenate([getattr(part, name) for part in given]) for name in NAMES))


def by_file(digests: RowDigests) -> dict[int, RowDigests]:
    """Divide digests by the file that holds them; only files that hold any."""
    numbers = np.where(digests.numbers == NO_CLIP, digests.rows, digests.recordings) % np.uint64(N_DIGESTS)
    return {int(number): digests[numbers == number] for number in np.unique(numbers)}


def write_digests(number: int, digests: RowDigests, folder: Folder, below: str) -> None:
    """Write one file of digests, as `by_file` divides them, below `below`: the same rows give the same bytes."""
    order = np.lexsort([getattr(digests, name) for name in reversed(NAMES)])
    table = pa.table({name: getattr(digests, name)[order] for name in NAMES}, _SCHEMA)
    with folder.workspace() as work:
        path = Path(work) / "digests.parquet"
        pq.write_table(table, path, compression="zstd", use_dictionary=["other_keys", "sources"], write_statistics=False)
        folder.publish(path, f"{below}/{digests_name(number)}")


def read_digests(folder: Folder, files: Mapping[str, str]) -> RowDigests:
    """Return the digests of all rows of a plan, from files and their SHA-256 as `digests.json` has them.

    Raises:
        FileNotFoundError: one is missing.
        DamagedFileError: one is not as it was written.
    """
    tables = (_read(folder, f"{PLAN}/{name}", sha256) for name, sha256 in files.items())
    return joined(RowDigests(*(table[name].to_numpy() for name in NAMES)) for table in tables)


def _read(folder: Folder, name: str, sha256: str) -> pa.Table:
    data = folder.read(name)
    if sha256_of(data) != sha256:
        raise DamagedFileError(name, "it is not as it was written")
    return pq.read_table(pa.BufferReader(data), schema=_SCHEMA)
