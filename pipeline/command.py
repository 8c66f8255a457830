"""Run the verb of the command line. Failures become a message and an exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from pipeline.commands.options import is_utf8
from pipeline.counted import counted
from pipeline.failures import OF_SIGNALS, STOPPED, WRONG, Failure, explain
from pipeline.parser import BEAM_VERBS, VERBS, make_parser
from pipeline.report.terminal import print_failure
from pipeline.verbs.rare_collections import rare_collections

QUIET = ("local", "DirectRunner", "PortableRunner", "PrismRunner")
"""Engines whose errors come back with the traceback of the worker: it need not be logged, too."""


def run() -> NoReturn:
    """Run the verb of this process's command line and end the process."""
    signal.signal(signal.SIGINT, stop_soon)
    signal.signal(signal.SIGTERM, stop_at_once)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup` ignores it: the build goes on without its terminal
        signal.signal(signal.SIGHUP, stop_at_once)
    sys.exit(main())


def stop_soon(number: int, frame: object) -> None:
    """Let the shards in hand be finished at the first Ctrl-C, where that can be; end at once at the second, or where it cannot."""
    stop = sys.modules.get("transforms.shards.stop")
    n_in_hand = None if stop is None or _lost_locks() else stop.stop_request.ask()
    if n_in_hand is None:
        stop_at_once(number, frame)
    with contextlib.suppress(OSError):
        os.write(2, f"\nfinishing {counted(n_in_hand, 'shard')}, then it stops; Ctrl-C again stops at once\n".encode())


def stop_at_once(number: int, _: object) -> NoReturn:
    """End at Ctrl-C, SIGTERM or SIGHUP without waiting for workers, which an engine may never stop; cancel jobs on other machines.

    This is safe: a build may be killed at any moment. A second signal ends the process while it still cancels.
    """
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    lines = sys.modules["pipeline.engines.run"].cancel_running() if "pipeline.engines.run" in sys.modules else []
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides the cursor
    lost = _lost_locks()
    with contextlib.suppress(OSError):  # the terminal is gone, or the program that read this
        os.write(2, "\n".join([show_cursor, *lines, *(lost or [STOPPED]), ""]).encode())
    os._exit(WRONG if lost else OF_SIGNALS + number)


def _lost_locks() -> list[str]:
    """Return a line for each lock in a store that was lost: a build must not go on without it."""
    return sys.modules["pipeline.output.lease"].lost if "pipeline.output.lease" in sys.modules else []


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
            return VERBS[options.verb].run(options, tuple(rest), ["laion-audio", *arguments])
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the one place where every failure becomes a sentence
        return _end(explain(error, options.verb), error, ["laion-audio", *arguments])


def _end(failure: Failure, error: BaseException, command: list[str]) -> int:
    """Print why a command ended; return its exit code. Where this program is at fault, the traceback goes into a file."""
    if not failure.is_bug:
        print_failure(failure)
        return failure.exit_code
    from pipeline.report.fault_log import write_fault

    try:
        where = f"{failure.remedy}, and with {write_fault(failure, error, command)}, which says where it happened"
    except OSError as no_file:
        print_failure(replace(failure, remedy=f"{failure.remedy}; the traceback cannot be written: {no_file}"))
        raise error from None
    print_failure(replace(failure, remedy=where))
    return failure.exit_code
