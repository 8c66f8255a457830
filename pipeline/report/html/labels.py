"""Count the labels of the clips of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow.compute as pc

from pipeline.output.layout import PLAN, plan_name
from pipeline.output.parquet_files import read_table
from pipeline.output.plan_files import CLIPS
from pipeline.output.storage import Folder
from pipeline.records import ShardId


def count_labels(folder: Folder, shards: Iterable[ShardId]) -> Counter[str]:
    """Return how many planned clips have each label.

    Raises:
        FileNotFoundError: a plan file is missing.
        DamagedFileError: a plan file is damaged.
    """
    counts: Counter[str] = Counter()
    for shard in shards:
        labels = read_table(folder, f"{PLAN}/{plan_name(shard)}", CLIPS, ["labels"])["labels"]
        for entry in pc.value_counts(pc.list_flatten(labels)).to_pylist():
            counts[entry["values"] or ""] += entry["counts"]
    return counts
