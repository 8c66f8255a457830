"""`python -m bench.plan_sides RECIPE OUTPUT`: plan a recipe by the pure functions alone, in one thread, for `bench/plan.py`.

The same rows are read, and the same plan files are written, as by `laion-audio plan`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.output.layout import plan_name
from pipeline.output.plan_files import left_out_bytes, write_left_out, write_plan_file
from pipeline.recipe.model import load_recipe
from pipeline.verbs.rare_collections import rare_collections
from transforms.planning.plan_rows import plan_rows
from transforms.planning.read_sources import read_source
from transforms.planning.rules import Rules


def main(recipe_path: str, output: str) -> None:
    """Write the plan files of a recipe below `output`."""
    recipe, folder = load_recipe(recipe_path), Path(output)
    rules = Rules.of(recipe.sources, recipe.holdout, recipe.folder, recipe.held_elsewhere, recipe.licenses, recipe.neutral)
    rows = (row for options in recipe.sources for row in read_source(options))
    with rare_collections():  # as the verb does
        planned = plan_rows(rows, rules, recipe.shard_size)
        for shard, clips in planned.shards.items():
            path = folder / plan_name(shard)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_plan_file(clips, path)
    write_left_out([left_out_bytes(planned.left_out)], folder / "left_out.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
