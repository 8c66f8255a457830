"""The command line: verbs, exit codes, and what is said to a person. Heavy imports wait for the verb that needs them."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console

from pipeline.failures import EngineError
from pipeline.output.plan_index import OutputFormatError
from pipeline.output.storage import FolderInUseError
from pipeline.recipe.model import RecipeError, bundled, load_recipe

if TYPE_CHECKING:
    from pipeline.output.plan_index import Plan
    from pipeline.output.storage import Folder

DONE, WRONG, USAGE, INTERRUPTED = 0, 1, 2, 130
LOCAL_NAMES = ("local", "DirectRunner")
NOT_YET = ("retry", "remove", "report")
RUNNER_HELP = "local (default), or any runner Beam knows: SparkRunner, DataflowRunner, PrismRunner, ...; unknown options go to Beam"


def run() -> NoReturn:
    """Run the verb of this process's command line and end the process."""
    signal.signal(signal.SIGINT, stop_at_once)
    sys.exit(main())


def stop_at_once(*_: object) -> NoReturn:
    """End at Ctrl-C without waiting for workers, which an engine may never let go: a build is safe to be killed anywhere."""
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides it
    os.write(2, f"{show_cursor}\nstopped; run the same command again to go on where this ended\n".encode())
    os._exit(INTERRUPTED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code: 0 done and the books balance, 1 something is wrong, 2 bad usage or recipe."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb not in {"plan", "build", "recaption"}:
        parser.error(f"unknown option {rest[0]}")
    # A local worker's last words come back with its failure; those of a cluster come back only as log lines.
    level = logging.CRITICAL if getattr(options, "runner", "local") in LOCAL_NAMES else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a local engine talks gRPC to itself, and gRPC talks about it
    errors = Console(stderr=True)
    try:
        return options.run(options, tuple(rest), ["laion-audio", *arguments])
    except (RecipeError, UsageError, OutputFormatError) as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return USAGE
    except FolderInUseError as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        return WRONG
    except (OSError, EngineError) as error:
        return _say_stopped(error, errors)


class UsageError(ValueError):
    """The command line asks for something that cannot be done."""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="laion-audio",
        description="Build audio-text sets as WebDataset shards of 48 kHz mono FLAC with captions.",
        epilog="Exit codes: 0 done and the books balance, 1 something is missing or wrong, 2 bad usage or bad recipe.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str, run: Callable[..., int]) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    sources = verb("sources", "every source: what it is, its licence, what it needs, what is known dead", list_sources)
    sources.add_argument("--json", action="store_true", help="for scripts")
    plan = verb("plan", "write the plan of a recipe: which clips, which text, which shard", write_plan)
    build = verb("build", "build a recipe into a folder; run again to resume", run_build)
    recaption = verb("recaption", "new text into the shards of a folder: audio is copied, never fetched or decoded", run_recaption)
    recaption.add_argument("folder", metavar="DIR")
    a_recipe = f"a bundled recipe ({', '.join(bundled())}) or the path of a TOML file"
    recaption.add_argument("recipe", metavar="RECIPE", nargs="?", help=f"{a_recipe} (default: the one the folder was built with)")
    for added in (plan, build):
        added.add_argument("recipe", metavar="RECIPE", help=a_recipe)
        added.add_argument("--output", metavar="DIR", required=added is build, help="output folder: a path, gs://... or s3://...")
        added.add_argument("--limit", type=_positive, metavar="N", help="at most the first N rows of every source")
    for added in (plan, build, recaption):
        added.add_argument("--runner", default="local", help=RUNNER_HELP)
        added.add_argument(
            "--workers", type=_positive, metavar="N", help="threads of the local engine that make shards (default: one a core)"
        )
    plan.add_argument("--dry-run", action="store_true", help="only print the estimate: clips, hours, bytes, time by host")
    for added in (build, recaption):
        added.add_argument("--json", action="store_true", help="print the books as JSON")
    status = verb("status", "the books of a folder: planned, samples, rejections by reason, shards, hours, bytes", show_status)
    status.add_argument("folder", metavar="DIR")
    status.add_argument("--captions", action="store_true", help="the text instead: origins, the T5's pass rate, what de-biasing changed")
    status.add_argument("--json", action="store_true", help="for scripts")
    check = verb("verify", "read everything again: hashes, pairs, JSON, counts; every fault is named", run_verify)
    check.add_argument("folder", metavar="DIR")
    check.add_argument("--deep", action="store_true", help="decode all audio too")
    for name in NOT_YET:
        verb(name, "not yet", not_yet).add_argument("arguments", nargs="*")
    return parser


def list_sources(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print every source there is."""
    from pipeline.report.tables import sources_table
    from sources import SOURCES

    if options.json:
        _print_json({name: {field: getattr(module.CARD, field) for field in module.CARD.__slots__} for name, module in SOURCES.items()})
    else:
        Console().print(sources_table(SOURCES))
    return DONE


def write_plan(options: argparse.Namespace, beam_options: tuple[str, ...], _: list[str]) -> int:
    """Write a plan, or print what it would cost."""
    recipe = load_recipe(options.recipe)
    if options.dry_run:
        from pipeline.report.tables import estimate_table
        from pipeline.verbs.estimate import estimate

        Console().print(estimate_table(estimate(recipe, options.limit, _engine(options, beam_options))))
        return DONE
    if not options.output:
        raise UsageError("--output DIR is needed, unless with --dry-run")
    from pipeline.output.storage import Folder
    from pipeline.verbs.build import current_plan

    folder = Folder(options.output)
    with folder.locked():
        snapshot, anew = current_plan(recipe, folder, options.limit, _engine(options, beam_options))
    plan = snapshot.plan
    assert plan is not None
    said = "planned" if anew else "the plan stands as it is:"
    left_out = f"{plan.n_left_out} rows left out, see {options.output}/plan/rejections.parquet"
    Console().print(f"{said} {plan.n_clips} clips in {len(plan.shards)} shards; {left_out}", highlight=False, soft_wrap=True)
    _print_t5(folder)
    return DONE


def run_build(options: argparse.Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Build a recipe and print the books."""
    recipe = load_recipe(options.recipe)
    from pipeline.output.storage import Folder
    from pipeline.report.progress import watched
    from pipeline.verbs.build import build

    errors = Console(stderr=True)
    folder = Folder(options.output)
    outcome = build(recipe, folder, options.limit, _engine(options, beam_options), partial(watched, console=errors), command)
    if options.json:
        _print_json(outcome.books.to_json() | {"built": outcome.n_built})
    else:
        from pipeline.report.tables import books_table

        made = f"{outcome.n_built} shards made" if outcome.n_built else "nothing was left to do"
        where = f"books: {options.output}/DATASET/SPLIT/N.parquet, left out while planning: {options.output}/plan/rejections.parquet"
        Console().print(books_table(outcome.books))
        Console().print(f"{made} in {options.output}; {where}", highlight=False, soft_wrap=True)
        _print_t5(folder)
    return _say_missing(outcome.missing, errors)


def run_recaption(options: argparse.Namespace, beam_options: tuple[str, ...], command: list[str]) -> int:
    """Give the shards of a folder new text and print the books."""
    from pipeline.output.storage import Folder
    from pipeline.report.progress import watched
    from pipeline.verbs.recaption import own_recipe, recaption

    errors = Console(stderr=True)
    folder = Folder(options.folder)
    recipe = load_recipe(options.recipe) if options.recipe else own_recipe(folder)
    done = recaption(recipe, folder, _engine(options, beam_options), partial(watched, console=errors), command)
    if options.json:
        _print_json(done.books.to_json() | {"rewritten": done.n_rewritten, "read": done.n_read})
    else:
        said = f"{done.n_rewritten} shards rewritten in {options.folder}" if done.n_rewritten else "all text stood as it should"
        _print_lines([f"{said}; the recipe has text for {done.n_read} of {done.n_rows} rows, the others keep theirs"])
        _print_t5(folder)
    return _say_missing(done.wrong, errors)


def show_status(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print the books of a folder."""
    from pipeline.output.storage import Folder
    from pipeline.report.tables import books_table
    from pipeline.verbs.status import read_the_books, snapshot_of

    folder = Folder(options.folder)
    snapshot = snapshot_of(folder)
    assert snapshot.plan is not None
    if options.captions:
        return _show_captions(snapshot.plan, folder, options.json)
    books = read_the_books(snapshot)
    if options.json:
        _print_json(books.to_json())
    else:
        Console().print(books_table(books))
    return DONE if books.balance else WRONG


def run_verify(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Read everything again, and name every fault."""
    from pipeline.output.storage import Folder
    from pipeline.verbs.verify import verify

    n_faults = 0
    for fault in verify(Folder(options.folder), options.deep):
        n_faults += 1
        Console().print(fault, markup=False, highlight=False, soft_wrap=True)
    Console().print(f"{n_faults} faults" if n_faults else "no faults", style="red" if n_faults else "green")
    return WRONG if n_faults else DONE


def not_yet(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Say that a verb is still to come."""
    raise UsageError(f"{options.verb}: not yet")


def _engine(options: argparse.Namespace, beam_options: tuple[str, ...]) -> Any:
    from pipeline.engines.run import open_engine

    try:
        return open_engine(options.runner, options.workers, beam_options)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _say_stopped(error: OSError | EngineError, errors: Console) -> int:
    """Say why a build stopped: in a line when the disk was the cause, with everything when the program may be."""
    of_the_disk = isinstance(error, OSError) or error.is_of_the_disk
    if not of_the_disk:
        errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
    cause = str(error) if isinstance(error, OSError) else error.cause
    remedy = "nothing half-written stands under a final name; mend this and run the same command again"
    errors.print(f"{cause}\n{remedy}", style="red", markup=False, highlight=False, soft_wrap=True)
    return WRONG


def _say_missing(missing: Sequence[str], errors: Console) -> int:
    for line in missing[:20]:
        errors.print(line, style="red", markup=False, highlight=False)
    if missing:
        errors.print(f"the books do not balance: {len(missing)} lines as above; run the same command again", style="red", highlight=False)
    return WRONG if missing else DONE


def _show_captions(plan: Plan, folder: Folder, as_json: bool) -> int:
    from pipeline.report.captions import captions_report, report_lines

    report = captions_report(plan, folder)
    if as_json:
        _print_json(report.to_json())
    else:
        _print_lines(report_lines(report))
        _print_t5(folder)
    return DONE


def _print_t5(folder: Folder) -> None:
    from pipeline.report.captions import t5_lines

    _print_lines(t5_lines(folder))


def _print_lines(lines: Iterable[str]) -> None:
    console = Console()
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value
