"""Run the verbs of the command line: one function a verb. Failures become a message and an exit code.

Modules that only some verbs need are imported inside their functions: `--help` must not wait for Beam.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from pipeline.counted import counted
from pipeline.failures import DONE, OF_SIGNALS, STOPPED, WRONG, UsageError, explain
from pipeline.parser import BEAM_VERBS, is_utf8, make_parser
from pipeline.report.terminal import (
    console,
    print_errors,
    print_failure,
    print_json,
    print_lines,
    print_missing,
    print_notes,
    print_outcome,
    print_shared,
    print_t5,
)
from pipeline.verbs.rare_collections import rare_collections

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.engines.run import Engine
    from pipeline.output.plan_index import Plan
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe

QUIET = ("local", "DirectRunner", "PortableRunner", "PrismRunner")
"""Engines whose errors come back with the traceback of the worker: it need not be logged, too."""


def run() -> NoReturn:
    """Run the verb of this process's command line and end the process."""
    signal.signal(signal.SIGINT, stop_at_once)
    signal.signal(signal.SIGTERM, stop_at_once)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup` ignores it: the build goes on without its terminal
        signal.signal(signal.SIGHUP, stop_at_once)
    sys.exit(main())


def stop_at_once(number: int, _: object) -> NoReturn:
    """End at Ctrl-C, SIGTERM or SIGHUP without waiting for workers, which an engine may never stop; cancel jobs on other machines.

    This is safe: a build may be killed at any moment. A second signal ends the process while it still cancels.
    """
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    lines = sys.modules["pipeline.engines.run"].cancel_running() if "pipeline.engines.run" in sys.modules else []
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides the cursor
    lost = sys.modules["pipeline.output.lease"].lost if "pipeline.output.lease" in sys.modules else []
    with contextlib.suppress(OSError):  # the terminal is gone, or the program that read this
        os.write(2, "\n".join([show_cursor, *lines, *(lost or [STOPPED]), ""]).encode())
    os._exit(WRONG if lost else OF_SIGNALS + number)


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
    level = logging.CRITICAL if getattr(options, "runner", "local") in QUIET else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # the local engine uses gRPC within the process, which logs its own connections
    try:
        with rare_collections():  # importing Beam alone makes more objects than a build, and none of them is in a cycle
            return VERBS[options.verb](options, tuple(rest), ["laion-audio", *arguments])
    except (Exception, KeyboardInterrupt) as error:
        failure = explain(error, options.verb)
        print_failure(failure)
        if failure.is_bug and not failure.details:
            raise
        return failure.exit_code


def list_sources(options: Namespace, _: tuple[str, ...], __: list[str]) -> int:
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


def _list_needs(options: Namespace) -> int:
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


def write_plan(options: Namespace, beam_options: tuple[str, ...], _: list[str]) -> int:
    """Write a plan, or print what it would cost."""
    if options.dry_run:
        from pipeline.recipe.model import load_recipe
        from pipeline.report.tables import estimate_lines, estimate_table, unchecked_lines
        from pipeline.verbs.estimate import estimate

        recipe = load_recipe(options.recipe, options.data, files_are_needed=False)
        print_notes(["planning what is there, to count it: half a minute for 50,000 rows"])
        result = estimate(recipe, options.limit, _engine(options, beam_options))
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
    engine = _engine(options, beam_options, folder, recipe)
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


def run_build(options: Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Build a recipe and print the books."""
    from pipeline.verbs.fetch_metadata import recipe_with_metadata

    recipe = recipe_with_metadata(options.recipe, options.data)  # before Beam is imported: faults are reported at once
    from pipeline.output.storage import Folder
    from pipeline.report.progress import watched
    from pipeline.verbs.build import build
    from pipeline.verbs.changes import Changes

    folder = Folder(options.output)
    changes = Changes(options.prune, options.reshard, options.repair)
    watch = partial(watched, console=console(stderr=True))
    engine = _engine(options, beam_options, folder, recipe)
    outcome = build(recipe, folder, options.limit, engine, watch, command, changes, options.wait)
    return print_outcome(outcome, folder, options.output, options.json)


def run_retry(options: Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Try rejected rows again and print the books."""
    from pipeline.output.storage import Folder
    from pipeline.report.progress import watched
    from pipeline.verbs.build import build
    from pipeline.verbs.changes import Changes
    from pipeline.verbs.recaption import recipe_of_folder
    from pipeline.verbs.status import snapshot_of

    folder = Folder(options.folder)
    snapshot_of(folder)
    watch = partial(watched, console=console(stderr=True))
    changes = Changes(retried=options.reason)
    recipe = recipe_of_folder(folder)
    engine = _engine(options, beam_options, folder, recipe)
    outcome = build(recipe, folder, None, engine, watch, command, changes, options.wait)
    return print_outcome(outcome, folder, options.folder, options.json)


def run_recaption(options: Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Give the shards of a folder new text and print the books."""
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import load_recipe
    from pipeline.report.progress import watched
    from pipeline.verbs.recaption import recaption, recipe_of_folder

    errors = console(stderr=True)
    folder = Folder(options.folder)
    recipe = load_recipe(options.recipe) if options.recipe else recipe_of_folder(folder)
    engine = _engine(options, beam_options, folder, recipe)
    done = recaption(recipe, folder, engine, partial(watched, console=errors), command)
    if options.json:
        print_json(done.books.to_json() | {"rewritten": done.n_rewritten, "read": done.n_read})
    else:
        state = f"{counted(done.n_rewritten, 'shard')} rewritten in {options.folder}" if done.n_rewritten else "all text is up to date"
        print_lines([f"{state}; the recipe has text for {done.n_read:,} of {counted(done.n_rows, 'row')}, the others keep theirs"])
        print_t5(folder)
    return print_missing(done.wrong, errors)


def show_status(options: Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print the books of a folder."""
    from pipeline.output.damage import DamagedFileError
    from pipeline.output.storage import Folder
    from pipeline.report.tables import books_table, license_lines
    from pipeline.verbs.rejected_licenses import rejected_licenses
    from pipeline.verbs.status import read_the_books, snapshot_of, unreadable_markers

    folder = Folder(options.folder)
    snapshot = snapshot_of(folder)
    assert snapshot.plan is not None
    if options.captions:
        return _show_captions(snapshot.plan, folder, options.json)
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


def run_verify(options: Namespace, beam_options: tuple[str, ...], _: list[str]) -> int:
    """Check every file of a folder, and print every fault."""
    from pipeline.output.storage import Folder
    from pipeline.verbs.verify import verify
    from pipeline.verbs.verify_fault import Note

    folder, n_faults = Folder(options.folder), 0
    for fault in verify(folder, options.deep, _engine(options, beam_options, folder)):
        n_faults += not isinstance(fault, Note)
        console().print(str(fault), markup=False, highlight=False, soft_wrap=True)
    console().print(counted(n_faults, "fault") if n_faults else "no faults", style="red" if n_faults else "green")
    return WRONG if n_faults else DONE


def _engine(options: Namespace, beam_options: tuple[str, ...], folder: Folder | None = None, recipe: BuildRecipe | None = None) -> Engine:
    """Return the engine that the options choose; refuse what cannot work there."""
    from pipeline.engines.run import open_engine

    try:
        engine = open_engine(options.runner, options.workers, beam_options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if folder is not None and (faults := list(engine.faults(folder, recipe))):
        raise UsageError("\n".join(faults))
    return engine


def _show_captions(plan: Plan, folder: Folder, as_json: bool) -> int:
    from pipeline.report.captions_report import captions_report, report_lines

    report = captions_report(plan, folder)
    if as_json:
        print_json(report.to_json())
    else:
        print_lines(report_lines(report))
        print_t5(folder)
    return DONE


VERBS: dict[str, Callable[[Namespace, tuple[str, ...], list[str]], int]] = {
    "sources": list_sources,
    "plan": write_plan,
    "build": run_build,
    "retry": run_retry,
    "recaption": run_recaption,
    "status": show_status,
    "verify": run_verify,
}
"""Verb -> function of the parsed options, the options for Beam, and the command line for build.json."""
