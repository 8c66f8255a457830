"""Add the options that several verbs have, and check their values. It imports no slow module."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.failures import UsageError
from pipeline.output.folder_address import checked_address
from pipeline.recipe.locate import bundled

if TYPE_CHECKING:
    from pipeline.engines.run import Engine
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe

RECIPE = f"a bundled recipe ({', '.join(bundled())}) or the path of a TOML file"
DATA = "folder that relative paths of the recipe start from (default: the folder of the recipe; of a bundled one the current folder)"
WAIT = "wait until hosts may be asked again, instead of leaving rows for the next run"
FOLDER = "output folder of a build: a path, gs://... or s3://..."


def add_verb(verbs: argparse._SubParsersAction, name: str, text: str, *examples: str) -> argparse.ArgumentParser:
    """Add a verb to the parser, and return the verb's own.

    Args:
        text: what the verb does, in the imperative and without a full stop.
        examples: what may follow the name of the verb.
    """
    lines = "".join(f"\n  laion-audio {name} {example}".rstrip() for example in examples)
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example{'s' if len(examples) > 1 else ''}:{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def add_recipe(parser: argparse.ArgumentParser, output_is_needed: bool) -> None:
    """Add the recipe, the output folder, and what limits the rows."""
    parser.add_argument("recipe", metavar="RECIPE", help=RECIPE)
    text = "output folder: a path, gs://... or s3://..."
    parser.add_argument("--output", metavar="DIR", type=output_folder, required=output_is_needed, help=text)
    parser.add_argument("--data", metavar="DIR", type=input_folder, help=DATA)
    parser.add_argument("--limit", type=positive, metavar="N", help="take at most the first N rows of every source")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the engine."""
    text = "local (default), or any runner Beam knows: SparkRunner, DataflowRunner, PrismRunner, ...; unknown options go to Beam"
    parser.add_argument("--runner", default="local", help=text)
    text = "threads of the local engine, each for one shard at a time (default: one a core)"
    parser.add_argument("--workers", type=positive, metavar="N", help=text)


def engine_of(
    options: argparse.Namespace, beam_options: tuple[str, ...], folder: Folder | None = None, recipe: BuildRecipe | None = None
) -> Engine:
    """Return the engine that the options choose; refuse what cannot work there."""
    from pipeline.engines.run import open_engine

    try:
        engine = open_engine(options.runner, options.workers, beam_options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if folder is not None and (faults := list(engine.faults(folder, recipe))):
        raise UsageError("\n".join(faults))
    return engine


def output_folder(text: str) -> str:
    """Return the path or address of an output folder; refuse what no folder can be at."""
    try:
        return checked_address(input_folder(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def input_folder(text: str) -> str:
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


def positive(text: str) -> int:
    """Return a whole number from 1."""
    value = int(text) if text.isdecimal() else -math.inf
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(value)


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
