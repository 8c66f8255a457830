"""Parse the command line: every verb with its options, its help and an example. It imports no slow module."""

from __future__ import annotations

import argparse
from types import ModuleType

from pipeline.commands import (
    build,
    leaks,
    papers,
    plan,
    publish,
    recaption,
    recheck,
    remove,
    report,
    retry,
    similar,
    sources,
    status,
    verify,
)  # fmt: skip

VERBS: dict[str, ModuleType] = {
    "sources": sources,
    "plan": plan,
    "build": build,
    "retry": retry,
    "remove": remove,
    "recaption": recaption,
    "status": status,
    "similar": similar,
    "leaks": leaks,
    "verify": verify,
    "report": report,
    "papers": papers,
    "recheck": recheck,
    "publish": publish,
}
"""Verb -> its module: `add` describes its options, `run` does it."""
BEAM_VERBS = frozenset({"plan", "build", "retry", "recaption", "verify"})
"""Verbs that give options they do not know to Beam."""
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
    for module in VERBS.values():
        module.add(verbs)
    return parser


def options_of_verbs() -> list[str]:
    """Return the options of the verbs that run on an engine, such as `--limit`, sorted."""
    verbs = next(action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return sorted({name for verb in BEAM_VERBS for name in verbs.choices[verb]._option_string_actions if name.startswith("--")})
