"""List the sources, or what those of a recipe need and lack."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from pipeline.commands.options import DATA, RECIPE, add_verb, input_folder
from pipeline.counted import counted
from pipeline.failures import DONE, WRONG
from pipeline.report.terminal import console, print_errors, print_json, print_lines


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    sources = add_verb(
        verbs, "sources", "list every source: what it is, its licence, what it needs, what is known dead", "", "--recipe laion-audio-630k"
    )
    text = "print instead what each source of a recipe needs: which files, keys and programs are there or missing, and how to get them"
    sources.add_argument("--recipe", metavar="RECIPE", help=f"{text}; {RECIPE}")
    sources.add_argument("--data", metavar="DIR", type=input_folder, help=DATA)
    sources.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print every source: its licence, what it needs, its text; or what the sources of a recipe need and lack."""
    from pipeline.report.tables import sources_table
    from sources import SOURCES

    if options.recipe:
        return _list_needs(options)
    if options.json:
        print_json({name: asdict(module.CARD) for name, module in SOURCES.items()})
    else:
        console().print(sources_table(SOURCES))
    return DONE


def _list_needs(options: argparse.Namespace) -> int:
    """Print what each source of a recipe needs; the exit code is 1 when something is missing."""
    from pipeline.recipe.model import load_recipe
    from pipeline.report.tables import checklist_lines
    from pipeline.verbs.checklist import checklist

    needs = list(checklist(load_recipe(options.recipe, options.data, files_are_needed=False)))
    if options.json:
        print_json([need.to_json() for need in needs])
    else:
        print_lines(checklist_lines(needs))
    missing = sum(need.is_missing for need in needs)
    print_errors([f"{counted(missing, 'thing is', 'things are')} missing; the list says how to get each"] if missing else [])
    return WRONG if missing else DONE
