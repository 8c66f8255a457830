"""Show the books of a folder, or its captions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.options import FOLDER, add_verb, output_folder
from pipeline.failures import DONE, WRONG
from pipeline.output.layout import LEDGER
from pipeline.output.layout import RECIPE as RECIPE_FILE
from pipeline.report.terminal import console, print_errors, print_json, print_lines

if TYPE_CHECKING:
    from pipeline.output.plan_index import Plan
    from pipeline.output.snapshot import Snapshot
    from pipeline.output.storage import Folder


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    text = "show the books of a folder: planned, samples, rejections by reason, shards, hours, bytes"
    status = add_verb(verbs, "status", text, "data/quickstart", "data/quickstart --captions", "data/quickstart --watch")
    status.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    text = "show the text instead: where captions come from, which repeat, their languages and lengths, what guard and de-biasing did"
    status.add_argument("--captions", action="store_true", help=text)
    text = "show instead how far the build in this folder is, until all shards are built or you press Ctrl-C"
    status.add_argument("--watch", action="store_true", help=text)
    status.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print the books of a folder."""
    from pipeline.output.damage import DamagedFileError
    from pipeline.output.storage import Folder
    from pipeline.report.tables import books_table, license_lines
    from pipeline.verbs.rejected_licenses import rejected_licenses
    from pipeline.verbs.status import read_the_books, snapshot_of, unreadable_markers

    folder = Folder(options.folder)
    snapshot = snapshot_of(folder)
    if options.watch:
        snapshot = _follow(snapshot)
    assert snapshot.plan is not None
    if options.captions:
        return _show_captions(snapshot.plan, folder, options.json)
        assert snapshot.plan is not None
    print_errors(unreadable_markers(snapshot))
    books, licenses = read_the_books(snapshot), {}
    try:
        licenses = rejected_licenses(folder, snapshot.plan)
    except (DamagedFileError, FileNotFoundError) as error:
        print_errors([str(error)])
    if options.json:
        print_json(books.to_json() | {"rejected_licenses": licenses})
    else:
        console().print(books_table(books))
        print_lines(license_lines(licenses))
    return DONE if books.balance else WRONG


def _follow(snapshot: Snapshot) -> Snapshot:
    """Show the build in a folder until all shards are built; before its first end it has no recipe, and hosts have our own limits."""
    from pathlib import Path

    from pipeline.recipe.model import parse_recipe
    from pipeline.report.live import follow_build
    from transforms.fetching.limits.budgets import BudgetSettings
    from transforms.fetching.limits.hosts import HostTable

    folder, limits = snapshot.folder, HostTable()
    if RECIPE_FILE in snapshot.files:
        limits = HostTable(parse_recipe(folder.read(RECIPE_FILE), Path(folder.path(RECIPE_FILE)), files_are_needed=False).hosts)
    ledger = Path(folder.path(LEDGER)) if folder.is_local else None
    return follow_build(snapshot, console(stderr=True), BudgetSettings(limits, ledger))


def _show_captions(plan: Plan, folder: Folder, as_json: bool) -> int:
    from pipeline.report.text_facts import text_facts
    from pipeline.report.text_lines import text_lines, text_table
    from pipeline.verbs.dropped_repeats import dropped_repeats

    facts = text_facts(folder, plan, dropped_repeats(folder))
    if as_json:
        changes = {each.dataset: [change.to_json() for change in each.debias.changes] for each in facts}
        print_json({each.dataset: each.to_json() | {"changes": changes[each.dataset]} for each in facts})
    else:
        console().print(text_table(facts), highlight=False)
        print_lines(text_lines(facts))
    return DONE
