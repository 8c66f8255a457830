"""Run the verbs of the command line: one function a verb. Failures become a message and an exit code.

Modules that only some verbs need are imported inside their functions: `--help` must not wait for Beam.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.failures import DONE, INTERRUPTED, STOPPED, WRONG, Failure, UsageError, explain
from pipeline.parser import BEAM_VERBS, is_utf8, make_parser

if TYPE_CHECKING:
    from argparse import Namespace

    from rich.console import Console

    from pipeline.output.plan_index import Plan
    from pipeline.output.storage import Folder

LOCAL_NAMES = ("local", "DirectRunner")
MAX_MISSING = 20  # lines printed of the rows that are missing


def run() -> NoReturn:
    """Run the verb of this process's command line and end the process."""
    signal.signal(signal.SIGINT, stop_at_once)
    sys.exit(main())


def stop_at_once(*_: object) -> NoReturn:
    """End at Ctrl-C without waiting for workers, which an engine may never stop. This is safe: a build may be killed at any moment."""
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides the cursor
    os.write(2, f"{show_cursor}\n{STOPPED}\n".encode())
    os._exit(INTERRUPTED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code: 0 done and the books balance, 1 something is missing or failed, 2 bad usage or recipe."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    for argument in arguments:
        if not is_utf8(argument):
            parser.error(f"{argument!r} is not UTF-8, and build.json could not hold this command line; rename the file or folder")
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb not in BEAM_VERBS:
        parser.error(f"unknown option {rest[0]}")
    # The traceback of a local worker is part of its EngineError; that of a worker in a cluster is only logged.
    level = logging.CRITICAL if getattr(options, "runner", "local") in LOCAL_NAMES else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # the local engine uses gRPC within the process, which logs its own connections
    try:
        return VERBS[options.verb](options, tuple(rest), ["laion-audio", *arguments])
    except (Exception, KeyboardInterrupt) as error:
        failure = explain(error, options.verb)
        _print_failure(failure)
        if failure.is_bug and not failure.details:
            raise
        return failure.exit_code


def _print_failure(failure: Failure) -> None:
    errors = _console(stderr=True)
    if failure.details:
        errors.print(failure.details, markup=False, highlight=False, soft_wrap=True)
    for line in (failure.sentence, failure.remedy):
        if line:
            errors.print(line, style="red", markup=False, highlight=False, soft_wrap=True)


def list_sources(options: Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print every source: its licence, what it needs, its text."""
    from pipeline.report.tables import sources_table
    from sources import SOURCES

    if options.json:
        _print_json({name: {field: getattr(module.CARD, field) for field in module.CARD.__slots__} for name, module in SOURCES.items()})
    else:
        _console().print(sources_table(SOURCES))
    return DONE


def write_plan(options: Namespace, beam_options: tuple[str, ...], _: list[str]) -> int:
    """Write a plan, or print what it would cost."""
    from pipeline.recipe.model import load_recipe

    recipe = load_recipe(options.recipe)
    if options.dry_run:
        from pipeline.report.tables import estimate_table
        from pipeline.verbs.estimate import estimate

        _console().print(estimate_table(estimate(recipe, options.limit, _engine(options, beam_options))))
        return DONE
    if not options.output:
        raise UsageError("--output DIR is needed, unless with --dry-run")
    from pipeline.output.ownership import check_folder
    from pipeline.output.storage import Folder
    from pipeline.verbs.current_plan import current_plan, standing_snapshot

    folder = Folder(options.output)
    check_folder(folder)
    with folder.locked():
        snapshot, plan_is_new = current_plan(recipe, standing_snapshot(folder), options.limit, _engine(options, beam_options))
    plan = snapshot.plan
    assert plan is not None
    state = "planned" if plan_is_new else "the plan is up to date:"
    left_out = f"{plan.n_left_out} rows left out, see {options.output}/plan/rejections.parquet"
    _print_lines([f"{state} {plan.n_clips} clips in {len(plan.shards)} shards; {left_out}"])
    _print_t5(folder)
    return DONE


def run_build(options: Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Build a recipe and print the books."""
    from pipeline.recipe.model import load_recipe

    recipe = load_recipe(options.recipe)  # before Beam is imported: faults are reported at once
    from pipeline.output.storage import Folder
    from pipeline.report.progress import watched
    from pipeline.verbs.build import build
    from pipeline.verbs.changes import Changes

    errors = _console(stderr=True)
    folder = Folder(options.output)
    changes = Changes(options.prune, options.reshard, options.repair)
    outcome = build(recipe, folder, options.limit, _engine(options, beam_options), partial(watched, console=errors), command, changes)
    _print_errors(outcome.notes)
    if options.json:
        _print_json(outcome.books.to_json() | {"built": outcome.n_built})
        for line in outcome.left_out:
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
    else:
        from pipeline.report.tables import books_table

        made = f"{outcome.n_built} shards made" if outcome.n_built else "nothing was left to do"
        where = f"books: {options.output}/DATASET/SPLIT/N.parquet, left out while planning: {options.output}/plan/rejections.parquet"
        _console().print(books_table(outcome.books))
        _print_lines([*outcome.left_out, f"{made} in {options.output}; {where}"])
        _print_t5(folder)
    return _print_missing(outcome.missing, errors)


def run_recaption(options: Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Give the shards of a folder new text and print the books."""
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import load_recipe
    from pipeline.report.progress import watched
    from pipeline.verbs.recaption import recaption, recipe_of_folder

    errors = _console(stderr=True)
    folder = Folder(options.folder)
    recipe = load_recipe(options.recipe) if options.recipe else recipe_of_folder(folder)
    done = recaption(recipe, folder, _engine(options, beam_options), partial(watched, console=errors), command)
    if options.json:
        _print_json(done.books.to_json() | {"rewritten": done.n_rewritten, "read": done.n_read})
    else:
        state = f"{done.n_rewritten} shards rewritten in {options.folder}" if done.n_rewritten else "all text is up to date"
        _print_lines([f"{state}; the recipe has text for {done.n_read} of {done.n_rows} rows, the others keep theirs"])
        _print_t5(folder)
    return _print_missing(done.wrong, errors)


def show_status(options: Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print the books of a folder."""
    from pipeline.output.storage import Folder
    from pipeline.report.tables import books_table
    from pipeline.verbs.status import read_the_books, snapshot_of, unreadable_markers

    folder = Folder(options.folder)
    snapshot = snapshot_of(folder)
    assert snapshot.plan is not None
    if options.captions:
        return _show_captions(snapshot.plan, folder, options.json)
    _print_errors(unreadable_markers(snapshot))
    books = read_the_books(snapshot)
    if options.json:
        _print_json(books.to_json())
    else:
        _console().print(books_table(books))
    return DONE if books.balance else WRONG


def run_verify(options: Namespace, beam_options: tuple[str, ...], _: list[str]) -> int:
    """Check every file of a folder, and print every fault."""
    from pipeline.output.storage import Folder
    from pipeline.verbs.verify import verify

    n_faults = 0
    for fault in verify(Folder(options.folder), options.deep, _engine(options, beam_options)):
        n_faults += 1
        _console().print(str(fault), markup=False, highlight=False, soft_wrap=True)
    _console().print(f"{n_faults} faults" if n_faults else "no faults", style="red" if n_faults else "green")
    return WRONG if n_faults else DONE


def _engine(options: Namespace, beam_options: tuple[str, ...]) -> Any:
    from pipeline.engines.run import open_engine

    try:
        return open_engine(options.runner, options.workers, beam_options)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _print_missing(missing: Sequence[str], errors: Console) -> int:
    for line in missing[:MAX_MISSING]:
        errors.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    if missing:
        errors.print(f"the books do not balance, {len(missing)} faults; run the same command again", style="red", highlight=False)
    return WRONG if missing else DONE


def _show_captions(plan: Plan, folder: Folder, as_json: bool) -> int:
    from pipeline.report.captions_report import captions_report, report_lines

    report = captions_report(plan, folder)
    if as_json:
        _print_json(report.to_json())
    else:
        _print_lines(report_lines(report))
        _print_t5(folder)
    return DONE


def _print_errors(lines: Iterable[str]) -> None:
    errors = _console(stderr=True)
    for line in lines:
        errors.print(line, style="red", markup=False, highlight=False, soft_wrap=True)


def _print_t5(folder: Folder) -> None:
    from pipeline.report.captions_report import t5_lines

    _print_lines(t5_lines(folder))


def _print_lines(lines: Iterable[str]) -> None:
    console = _console()
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr)


VERBS: dict[str, Callable[[Namespace, tuple[str, ...], list[str]], int]] = {
    "sources": list_sources,
    "plan": write_plan,
    "build": run_build,
    "recaption": run_recaption,
    "status": show_status,
    "verify": run_verify,
}
"""Verb -> function of the parsed options, the options for Beam, and the command line for build.json."""
