"""Try rejected rows of a folder again."""

from __future__ import annotations

import argparse
from functools import partial

from pipeline.commands.options import FOLDER, WAIT, add_engine, add_verb, engine_of, output_folder
from pipeline.records import TRANSIENT, Reason
from pipeline.report.terminal import console, print_outcome

WHEN_PLANNED = frozenset({Reason.BAD_ROW, Reason.NO_TEXT, Reason.HELD_OUT, Reason.LICENSE, Reason.REMOVED})
"""Reasons of rows that are in no shard."""


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    examples = ("data/my-sounds", "data/my-sounds --reason not_found,forbidden")
    text = (
        "try rejected rows of a folder again, by the recipe that it was built with; "
        "only the shards that hold them are rewritten, everything else in them is copied"
    )
    retry = add_verb(verbs, "retry", text, *examples)
    retry.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    text = "reasons as `status` prints them, with commas between them (default: those that may pass by themselves, such as timeout)"
    retry.add_argument("--reason", metavar="R[,R...]", type=_reasons, default=TRANSIENT, help=text)
    retry.add_argument("--wait", action="store_true", help=WAIT)
    retry.add_argument("--json", action="store_true", help="print the books as JSON")
    add_engine(retry)


def run(options: argparse.Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Try rejected rows again and print the books."""
    from pipeline.output.storage import Folder
    from pipeline.report.live import watched
    from pipeline.verbs.build import build
    from pipeline.verbs.build_record import fetch_settings
    from pipeline.verbs.changes import Changes
    from pipeline.verbs.recaption import recipe_of_folder
    from pipeline.verbs.status import snapshot_of

    folder = Folder(options.folder)
    snapshot_of(folder)
    changes = Changes(retried=options.reason)
    recipe = recipe_of_folder(folder)
    watch = partial(watched, console=console(stderr=True), budgets=fetch_settings(recipe, folder).budgets)
    engine = engine_of(options, beam_options, folder, recipe)
    outcome = build(recipe, folder, None, engine, watch, command, changes, options.wait)
    return print_outcome(outcome, folder, options.folder, options.json)


def _reasons(text: str) -> frozenset[Reason]:
    """Return the reasons in a list with commas; refuse those that a row gets when it is planned."""
    reasons = set()
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name not in set(Reason):
            raise argparse.ArgumentTypeError(f"no reason is called {name!r}, there are {', '.join(sorted(set(Reason) - WHEN_PLANNED))}")
        if name in WHEN_PLANNED:
            raise argparse.ArgumentTypeError(f"{name} is decided when rows are planned: change the recipe or its tables, and build again")
        reasons.add(Reason(name))
    if not reasons:
        raise argparse.ArgumentTypeError("no reason is given")
    return frozenset(reasons)
