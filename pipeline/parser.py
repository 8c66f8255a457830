"""Parse the command line: every verb with its options, its help and an example. It imports no slow module."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from pipeline.output.folder_address import checked_address
from pipeline.recipe.locate import bundled
from pipeline.records import TRANSIENT, Reason

WHEN_PLANNED = frozenset({Reason.BAD_ROW, Reason.NO_TEXT, Reason.HELD_OUT, Reason.LICENSE})
"""Reasons of rows that are in no shard."""
BEAM_VERBS = frozenset({"plan", "build", "retry", "recaption", "verify"})
"""Verbs that give options they do not know to Beam."""
RECIPE = f"a bundled recipe ({', '.join(bundled())}) or the path of a TOML file"
DATA = "folder that relative paths of the recipe start from (default: the folder of the recipe; of a bundled one the current folder)"
WAIT = "wait until hosts may be asked again, instead of leaving rows for the next run"
FOLDER = "output folder of a build: a path, gs://... or s3://..."
EPILOG = """\
examples:
  laion-audio build quickstart --output data/quickstart     build the bundled set
  laion-audio status data/quickstart                        show its books
  laion-audio VERB --help                                   explain a verb

Exit codes: 0 done and the books balance, 1 something is missing or wrong, 2 bad usage or bad recipe."""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; `verb` is the name of the verb, the other options are those of the verb."""
    parser = argparse.ArgumentParser(
        prog="laion-audio",
        description="Build audio-text sets as WebDataset shards of 48 kHz mono FLAC with captions.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for add in (_add_sources, _add_plan, _add_build, _add_retry, _add_recaption, _add_status, _add_verify):
        add(verbs)
    return parser


def _add(verbs: argparse._SubParsersAction, name: str, text: str, *examples: str) -> argparse.ArgumentParser:
    lines = "".join(f"\n  laion-audio {name} {example}".rstrip() for example in examples)
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example{'s' if len(examples) > 1 else ''}:{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_sources(verbs: argparse._SubParsersAction) -> None:
    sources = _add(
        verbs, "sources", "list every source: what it is, its licence, what it needs, what is known dead", "", "--recipe laion-audio-630k"
    )
    text = "print instead what each source of a recipe needs: which files, keys and programs are there or missing, and how to get them"
    sources.add_argument("--recipe", metavar="RECIPE", help=f"{text}; {RECIPE}")
    sources.add_argument("--data", metavar="DIR", type=_folder, help=DATA)
    sources.add_argument("--json", action="store_true", help="print JSON for scripts")


def _add_plan(verbs: argparse._SubParsersAction) -> None:
    examples = ("my-sounds.toml --dry-run", "my-sounds.toml --output data/my-sounds")
    plan = _add(verbs, "plan", "write the plan of a recipe: which clips, which text, which shard", *examples)
    _add_recipe(plan, output_is_needed=False)
    plan.add_argument("--dry-run", action="store_true", help="write nothing, print an estimate: clips, hours, bytes, time by host")
    _add_engine(plan)


def _add_build(verbs: argparse._SubParsersAction) -> None:
    examples = ("quickstart --output data/quickstart", "my-sounds.toml --output data/my-sounds --limit 100")
    build = _add(verbs, "build", "build a recipe into a folder; run again to resume", *examples)
    _add_recipe(build, output_is_needed=True)
    text = "let samples go that stand and are not in the recipe any more, or whose recordings cannot be fetched any more"
    build.add_argument("--prune", action="store_true", help=text)
    build.add_argument("--reshard", action="store_true", help="lay out all clips in new shards of shard_size clips; audio is copied")
    build.add_argument(
        "--repair", action="store_true", help="check as verify --deep does, and make anew what is damaged; intact audio is copied"
    )
    build.add_argument("--wait", action="store_true", help=WAIT)
    build.add_argument("--json", action="store_true", help="print the books as JSON")
    _add_engine(build)


def _add_retry(verbs: argparse._SubParsersAction) -> None:
    examples = ("data/my-sounds", "data/my-sounds --reason not_found,forbidden")
    text = (
        "try rejected rows of a folder again, by the recipe that it was built with; "
        "only the shards that hold them are rewritten, everything else in them is copied"
    )
    retry = _add(verbs, "retry", text, *examples)
    retry.add_argument("folder", metavar="DIR", type=_output, help=FOLDER)
    text = "reasons as `status` prints them, with commas between them (default: those that may pass by themselves, such as timeout)"
    retry.add_argument("--reason", metavar="R[,R...]", type=_reasons, default=TRANSIENT, help=text)
    retry.add_argument("--wait", action="store_true", help=WAIT)
    retry.add_argument("--json", action="store_true", help="print the books as JSON")
    _add_engine(retry)


def _add_recaption(verbs: argparse._SubParsersAction) -> None:
    examples = ("data/my-sounds", "data/my-sounds other-captions.toml")
    text = "write new text into the shards of a folder; audio is copied, never fetched or decoded"
    recaption = _add(verbs, "recaption", text, *examples)
    recaption.add_argument("folder", metavar="DIR", type=_output, help=FOLDER)
    recaption.add_argument("recipe", metavar="RECIPE", nargs="?", help=f"{RECIPE} (default: the one the folder was built with)")
    recaption.add_argument("--json", action="store_true", help="print the books as JSON")
    _add_engine(recaption)


def _add_status(verbs: argparse._SubParsersAction) -> None:
    text = "show the books of a folder: planned, samples, rejections by reason, shards, hours, bytes"
    status = _add(verbs, "status", text, "data/quickstart", "data/quickstart --captions")
    status.add_argument("folder", metavar="DIR", type=_output, help=FOLDER)
    text = "show the captions instead: by origin, the T5's pass rate, what de-biasing changed"
    status.add_argument("--captions", action="store_true", help=text)
    status.add_argument("--json", action="store_true", help="print JSON for scripts")


def _add_verify(verbs: argparse._SubParsersAction) -> None:
    text = "read every file of a folder again and name every fault; an interrupted verify goes on where it stopped"
    verify = _add(verbs, "verify", text, "data/quickstart", "data/quickstart --deep")
    verify.add_argument("folder", metavar="DIR", type=_output, help=FOLDER)
    verify.add_argument("--deep", action="store_true", help="decode all audio too")
    _add_engine(verify)


def _add_recipe(parser: argparse.ArgumentParser, output_is_needed: bool) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help=RECIPE)
    text = "output folder: a path, gs://... or s3://..."
    parser.add_argument("--output", metavar="DIR", type=_output, required=output_is_needed, help=text)
    parser.add_argument("--data", metavar="DIR", type=_folder, help=DATA)
    parser.add_argument("--limit", type=_positive, metavar="N", help="take at most the first N rows of every source")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    text = "local (default), or any runner Beam knows: SparkRunner, DataflowRunner, PrismRunner, ...; unknown options go to Beam"
    parser.add_argument("--runner", default="local", help=text)
    text = "threads of the local engine, each for one shard at a time (default: one a core)"
    parser.add_argument("--workers", type=_positive, metavar="N", help=text)


def options_of_verbs() -> list[str]:
    """Return the options of the verbs that run on an engine, such as `--limit`, sorted."""
    verbs = next(action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return sorted({name for verb in BEAM_VERBS for name in verbs.choices[verb]._option_string_actions if name.startswith("--")})


def _output(text: str) -> str:
    """Return the path or address of an output folder; refuse what no folder can be at."""
    try:
        return checked_address(_folder(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _folder(text: str) -> str:
    """Return the path or address of a folder; refuse an empty one and that of a file."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty, give the path of a folder")
    if "://" in text:
        return text
    path = Path(text).absolute()
    if not is_utf8(str(path)):
        raise argparse.ArgumentTypeError(f"{str(path)!r} is not UTF-8, rename the folder or choose another")
    if path.is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is a file, give the path of a folder")
    return text


def is_utf8(text: str) -> bool:
    """Return whether a text of the command line is valid UTF-8, so that it can be written to JSON; names on disk may hold any bytes.

    >>> is_utf8("café"), is_utf8("caf\\udce9")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else -math.inf
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(value)
