"""Plan a recipe of few rows in this process. To start the local engine takes longer than to plan them, and the plan is the same."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

from pipeline.output.digest_files import by_file, joined, write_digests
from pipeline.output.layout import HELD_ROWS, LEFT_OUT, NEW_PLAN, ROWS_READ
from pipeline.output.plan_files import left_out_bytes, plan_line
from pipeline.output.shard_plan import write_shard_lines
from pipeline.output.shared_file import write_shared
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.records import Clip, Rejection
from transforms.planning.find_held_rows import HeldRows, write_matches
from transforms.planning.key_hashes import PreviousShards
from transforms.planning.plan_rows import plan_rows
from transforms.planning.read_sources import read_source
from transforms.planning.row_digests import digests_of, digests_of_rejections
from transforms.planning.rules import Rules
from transforms.planning.write_plan import write_tables

MAX_ROWS = 5_000
"""Rows of a recipe that are planned here: in 0.5 s of CPU, as long as Beam's local engine takes to plan none."""


def few_rows(recipe: BuildRecipe, limit: int | None) -> list[list[Clip | Rejection]] | None:
    """Return the rows of each source of a recipe, with at most `limit` rows of each; `None` where they are more than `MAX_ROWS`."""
    by_source: list[list[Clip | Rejection]] = []
    n_left = MAX_ROWS
    for options in recipe.sources:
        by_source.append(list(itertools.islice(read_source(options, limit), n_left + 1)))
        n_left -= len(by_source[-1])
        if n_left < 0:
            return None
    return by_source


def write_plan_of(
    by_source: Sequence[Sequence[Clip | Rejection]],
    recipe: BuildRecipe,
    rules: Rules,
    previous: PreviousShards,
    folder: Folder,
    finds: HeldRows | None,
) -> None:
    """Write the files of a new plan, as the pipeline of planning does.

    Args:
        by_source: the rows of each source of the recipe.
        previous: the shards of the previous plan, and their sample keys.
        finds: looks for rows that `holdout` names; `None`: it is not asked what they are.
    """
    rows = list(itertools.chain.from_iterable(by_source))
    planned = plan_rows(rows, rules, recipe.shard_size, _Indices(previous))
    for shard, clips in planned.shards.items():
        addresses = {clip.key: clip.full_url for clip in clips if clip.full_url}
        write_shard_lines(shard, [plan_line(clip, clip.key) for clip in clips], addresses, folder, NEW_PLAN)
    write_tables([left_out_bytes(planned.left_out)], folder, f"{NEW_PLAN}/{LEFT_OUT}")
    write_shared(folder, planned.shared, NEW_PLAN)
    folder.write_json(f"{NEW_PLAN}/{ROWS_READ}", dict(planned.rows_read))
    _write_digests(by_source, folder)
    if finds:
        write_matches(finds.matches(row for row in rows if isinstance(row, Clip)), folder, f"{NEW_PLAN}/{HELD_ROWS}")


def _write_digests(by_source: Sequence[Sequence[Clip | Rejection]], folder: Folder) -> None:
    parts = []
    for number, rows in enumerate(by_source):
        parts.append(digests_of([row for row in rows if isinstance(row, Clip)], number))
        parts.append(digests_of_rejections([row for row in rows if isinstance(row, Rejection)], number))
    for number, digests in by_file(joined(parts)).items():
        write_digests(number, digests, folder, NEW_PLAN)


class _Indices:
    """The shard index of every sample key of the previous plan, by dataset and split."""

    def __init__(self, previous: PreviousShards):
        self._of_split: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for shard in previous.shards:
            self._of_split[shard.dataset, shard.split] |= dict.fromkeys(previous(shard), shard.index)

    def __call__(self, dataset: str, split: str) -> Mapping[str, int]:
        return self._of_split[dataset, split]
