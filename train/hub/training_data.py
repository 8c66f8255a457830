"""Summarise what a model was trained on: clips, hours and licences of each dataset, from the books beside the shards."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from train.data.index import open_index
from train.data.ranges import FAILURES
from train.data.shards import Shard, find_shards, shards_by_dataset

READERS = 16  # books that are read at the same time; remote ones take a request each


@dataclass(frozen=True)
class DatasetSummary:
    """Training clips of one dataset. hours: of the clips in books. licences: clips by licence, "" for those of which none is recorded."""

    name: str
    n_clips: int
    hours: float
    licences: dict[str, int] = field(default_factory=dict)


def summarize(root: str, cache: Path) -> list[DatasetSummary]:
    """Summarise the training split of each dataset below root, sorted by name. Raise BadInput if there is none.

    cache: folder of the index of a set that has no sizes.json, whose samples are counted by it.
    """
    shards = find_shards(root, "train")
    if any(shard.n_samples < 0 for shard in shards):
        shards = open_index(shards, cache).shards
    with ThreadPoolExecutor(READERS) as pool:
        return [_summary(name, shards, pool.map(read_books, shards)) for name, shards in shards_by_dataset(shards).items()]


def _summary(name: str, shards: list[Shard], books: Iterable[list[tuple[str, float]]]) -> DatasetSummary:
    clips = [clip for of_shard in books for clip in of_shard]
    licences = Counter(licence for licence, _ in clips)
    n_clips = sum(shard.n_samples for shard in shards)
    licences[""] += max(0, n_clips - len(clips))
    return DatasetSummary(name, n_clips, sum(seconds for _, seconds in clips) / 3600, dict((+licences).most_common()))


def read_books(shard: Shard) -> list[tuple[str, float]]:
    """Return licence and seconds of each sample of a shard. Shards that this project did not build have no books: none are returned."""
    try:
        with fsspec.open(shard.address.removesuffix(".tar") + ".parquet") as file:
            columns = pq.read_table(file, columns=["status", "license", "duration"]).to_pydict()
    except (*FAILURES, pa.ArrowException, LookupError):
        return []
    rows = zip(columns["status"], columns["license"], columns["duration"], strict=True)
    return [(licence or "", seconds or 0.0) for status, licence, seconds in rows if status == "sample"]
