"""Write the README.md of an output folder: its front matter tells HuggingFace `datasets` which files are the samples.

Without it `load_dataset(FOLDER)` would take the books for the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from pipeline.output.layout import README, tar_name
from pipeline.output.snapshot import Snapshot
from pipeline.records import ShardId

OURS = "<!-- Written by laion-audio at every build. A README.md without this line is left as it is. -->"
TEXT = """# {name}

Audio with captions as WebDataset shards: 48 kHz mono FLAC and JSON in `DATASET/SPLIT/N.tar`. The rows of every shard, samples and
rejections alike, are in the books beside it, `N.parquet`.

    from datasets import load_dataset

    clips = load_dataset({path!r}, split={split!r}, streaming=True)
"""


def write_readme(name: str, snapshot: Snapshot) -> None:
    """Write README.md for the shards that stand, unless somebody else's README.md stands there or nothing changed.

    Args:
        name: of the recipe.
    """
    folder = snapshot.folder
    text = readme(name, (shard for shard, marker in sorted(snapshot.markers.items()) if marker.n_samples), snapshot.markers).encode()
    state = snapshot.files.get(README)
    if state is not None and state.holds(text):
        return
    before = folder.read(README) if state is not None else None
    if before is None or (OURS.encode() in before and before != text):
        folder.write(README, text)


def readme(name: str, filled: Iterable[ShardId], shards: Iterable[ShardId]) -> str:
    """Return the text of README.md.

    Args:
        name: of the recipe.
        filled: the shards that have samples; readers infer the types from the first samples, and fail in an empty tar.
        shards: all shards.
    """
    filled = sorted(filled)
    return "\n".join(["---", *config_lines(filled, shards), "---", OURS, TEXT.format(name=name, path="FOLDER", split=first_split(filled))])


def config_lines(filled: Iterable[ShardId], shards: Iterable[ShardId]) -> list[str]:
    """Return the lines of the front matter that tell `datasets` which tars a split has; arguments as of `readme`."""
    splits: dict[str, list[ShardId]] = {}
    for shard in sorted(filled):
        splits.setdefault(shard.split, []).append(shard)
    all_shards = set(shards)
    lines = ["configs:", "- config_name: default", f"  data_files:{'' if splits else ' []'}"]
    for split, of_split in sorted(splits.items()):
        lines += [f"  - split: {split}", "    path:", *(f"    - {json.dumps(path)}" for path in _paths(split, of_split, all_shards))]
    return lines


def first_split(filled: Iterable[ShardId]) -> str:
    """Return the split that examples load: `train`, or the first that there is."""
    splits = sorted({shard.split for shard in filled})
    return "train" if "train" in splits or not splits else splits[0]


def _paths(split: str, filled: list[ShardId], shards: set[ShardId]) -> Iterator[str]:
    """Yield a pattern for each dataset of a split, or its tars by name where one of them is empty."""
    for dataset in sorted({shard.dataset for shard in filled}):
        of_dataset = {shard for shard in shards if (shard.dataset, shard.split) == (dataset, split)}
        wanted = [shard for shard in filled if shard.dataset == dataset]
        yield from [f"{dataset}/{split}/*.tar"] if len(wanted) == len(of_dataset) else map(tar_name, wanted)
