"""Move rows through engines in batches of thousands: one element of a pipeline is one batch, as compressed bytes.

Rows are partitioned by the first bits of the hash of their recording, with which their sort key begins too. So all rows of a
recording are in one partition, and partitions in order are rows in order. What is published does not depend on the number of
partitions.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.keys import stable_hash

N_DIGITS = 3
"""Hexadecimal digits of the hash of a recording that name its partition, see `N_PARTITIONS`."""
N_PARTITIONS = 512
"""Partitions: of 2.5 million rows, one holds 5,000, of 100 million 200,000 rows or 300 MB as objects, which one worker can hold.
Partitions without rows cost nothing, and a partition of a few rows costs about 1 ms."""
N_BUCKETS = 32
"""Groups of what is no recording, as sample keys: of 100 million keys, one holds 3 million, of which engines move 18 bytes each."""
ROWS, REPEATED, PREVIOUS = b"r", b"k", b"p"
"""Kinds of batches: rows, and the messages to a partition about repeated keys and about shards of the previous plan."""
CODEC = "zstd"
N_SIZE = 8  # bytes before the compressed bytes, for the size of what they hold


def partition_of(recording: str) -> int:
    """Return the number of the partition of a recording: below `N_PARTITIONS`, and it never falls where the hash rises."""
    return int(stable_hash(recording)[:N_DIGITS], 16) * N_PARTITIONS >> 4 * N_DIGITS


def bucket_of(text: str) -> int:
    """Return the number of the bucket of a text that is the same in several partitions."""
    return int(stable_hash(text)[:N_DIGITS], 16) % N_BUCKETS


def pack(batch: Any, kind: bytes = ROWS) -> bytes:
    """Return a batch as bytes that begin with its kind. Workers trust each other: Beam pickles what moves between them, too."""
    data = pickle.dumps(batch, pickle.HIGHEST_PROTOCOL)
    compressed: bytes = pa.Codec(CODEC, compression_level=1).compress(data, asbytes=True)
    return b"%b%b%b" % (kind, len(data).to_bytes(N_SIZE, "big"), compressed)


def kind_of(data: bytes) -> bytes:
    """Return the kind of a batch, without unpacking it."""
    return data[:1]


def unpack(data: bytes) -> Any:
    """Return the batch that `pack` made bytes of."""
    size = int.from_bytes(data[1 : 1 + N_SIZE], "big")
    return pickle.loads(pa.Codec(CODEC).decompress(memoryview(data)[1 + N_SIZE :], size))


def positions_by_value(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each value of an array of numbers, rising, with the positions at which it stands, rising too."""
    if not len(values):
        return
    order = np.argsort(values, kind="stable")
    distinct, first = np.unique(values[order], return_index=True)
    yield from zip(distinct.tolist(), np.split(order, first[1:]), strict=True)
