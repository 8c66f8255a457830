"""Write the plan of a recipe, or print what a build would cost."""

from __future__ import annotations

import argparse

from pipeline.commands.options import add_engine, add_recipe, add_verb, engine_of
from pipeline.counted import counted
from pipeline.failures import DONE, UsageError
from pipeline.report.terminal import console, print_lines, print_notes, print_shared, print_t5


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    examples = ("my-sounds.toml --dry-run", "my-sounds.toml --output data/my-sounds")
    plan = add_verb(verbs, "plan", "write the plan of a recipe: which clips, which text, which shard", *examples)
    add_recipe(plan, output_is_needed=False)
    plan.add_argument("--dry-run", action="store_true", help="write nothing, print an estimate: clips, hours, bytes, time by host")
    add_engine(plan)


def run(options: argparse.Namespace, beam_options: tuple[str, ...], _: list[str]) -> int:
    """Write a plan, or print what it would cost."""
    if options.dry_run:
        from pipeline.recipe.model import load_recipe
        from pipeline.report.tables import estimate_lines, estimate_table, unchecked_lines
        from pipeline.verbs.estimate import estimate

        recipe = load_recipe(options.recipe, options.data, files_are_needed=False)
        print_notes(["planning what is there, to count it: half a minute for 50,000 rows"])
        result = estimate(recipe, options.limit, engine_of(options, beam_options))
        console().print(estimate_table(result))
        print_lines(estimate_lines(result))
        if result.shared is not None:
            print_shared(result.shared, also_none=True)
        print_lines(unchecked_lines(result))
        return DONE
    if not options.output:
        raise UsageError("--output DIR is needed, unless with --dry-run")
    from pipeline.output.ownership import check_folder
    from pipeline.output.shared_file import read_shared
    from pipeline.output.storage import Folder
    from pipeline.verbs.current_plan import current_plan, standing_snapshot
    from pipeline.verbs.fetch_metadata import recipe_with_metadata

    recipe = recipe_with_metadata(options.recipe, options.data)

    folder = Folder(options.output)
    check_folder(folder)
    engine = engine_of(options, beam_options, folder, recipe)
    with folder.locked():
        added: list[str] = []
        snapshot, plan_is_new = current_plan(recipe, standing_snapshot(folder), options.limit, engine, tell=added.append)
    plan = snapshot.plan
    assert plan is not None
    state = "planned" if plan_is_new else "the plan is up to date:"
    left_out = f"{counted(plan.n_left_out, 'row')} left out, see {options.output}/plan/rejections.parquet"
    print_lines([*added, f"{state} {counted(plan.n_clips, 'clip')} in {counted(len(plan.shards), 'shard')}; {left_out}"])
    print_shared(read_shared(folder), also_none=True)
    print_t5(folder)
    return DONE
