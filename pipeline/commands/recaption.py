"""Write new text into the shards of a folder."""

from __future__ import annotations

import argparse
from functools import partial

from pipeline.commands.options import FOLDER, RECIPE, add_engine, add_verb, engine_of, output_folder
from pipeline.counted import counted
from pipeline.report.terminal import console, print_json, print_lines, print_missing, print_t5


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    examples = ("data/my-sounds", "data/my-sounds other-captions.toml")
    text = "write new text into the shards of a folder; audio is copied, never fetched or decoded"
    recaption = add_verb(verbs, "recaption", text, *examples)
    recaption.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    recaption.add_argument("recipe", metavar="RECIPE", nargs="?", help=f"{RECIPE} (default: the one the folder was built with)")
    recaption.add_argument("--json", action="store_true", help="print the books as JSON")
    add_engine(recaption)


def run(options: argparse.Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Give the shards of a folder new text and print the books."""
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import load_recipe
    from pipeline.report.live import watched
    from pipeline.verbs.recaption import recaption, recipe_of_folder

    errors = console(stderr=True)
    folder = Folder(options.folder)
    recipe = load_recipe(options.recipe) if options.recipe else recipe_of_folder(folder)
    engine = engine_of(options, beam_options, folder, recipe)
    done = recaption(recipe, folder, engine, partial(watched, console=errors), command)
    if options.json:
        print_json(done.books.to_json() | {"rewritten": done.n_rewritten, "read": done.n_read})
    else:
        state = f"{counted(done.n_rewritten, 'shard')} rewritten in {options.folder}" if done.n_rewritten else "all text is up to date"
        print_lines([f"{state}; the recipe has text for {done.n_read:,} of {counted(done.n_rows, 'row')}, the others keep theirs"])
        print_t5(folder)
    return print_missing(done.wrong, errors)
