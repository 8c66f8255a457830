"""Build a recipe into a folder."""

from __future__ import annotations

import argparse
from functools import partial

from pipeline.commands.options import WAIT, add_engine, add_recipe, add_verb, engine_of
from pipeline.report.terminal import console, print_outcome


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    examples = ("quickstart --output data/quickstart", "my-sounds.toml --output data/my-sounds --limit 100")
    build = add_verb(verbs, "build", "build a recipe into a folder; run again to resume", *examples)
    add_recipe(build, output_is_needed=True)
    text = "let samples go that stand and are not in the recipe any more, or whose recordings cannot be fetched any more"
    build.add_argument("--prune", action="store_true", help=text)
    build.add_argument("--reshard", action="store_true", help="lay out all clips in new shards of shard_size clips; audio is copied")
    build.add_argument(
        "--repair", action="store_true", help="check as verify --deep does, and make anew what is damaged; intact audio is copied"
    )
    build.add_argument("--wait", action="store_true", help=WAIT)
    build.add_argument("--json", action="store_true", help="print the books as JSON")
    add_engine(build)


def run(options: argparse.Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Build a recipe and print the books."""
    from pipeline.verbs.fetch_metadata import recipe_with_metadata

    recipe = recipe_with_metadata(options.recipe, options.data)  # before Beam is imported: faults are reported at once
    from pipeline.output.storage import Folder
    from pipeline.report.live import watched
    from pipeline.verbs.build import build
    from pipeline.verbs.build_record import fetch_settings
    from pipeline.verbs.changes import Changes

    folder = Folder(options.output)
    changes = Changes(options.prune, options.reshard, options.repair)
    watch = partial(watched, console=console(stderr=True), budgets=fetch_settings(recipe, folder).budgets)
    engine = engine_of(options, beam_options, folder, recipe)
    outcome = build(recipe, folder, options.limit, engine, watch, command, changes, options.wait)
    return print_outcome(outcome, folder, options.output, options.json)
