"""Build the set of the engines on one line, before and after its edit, and compare the results with those of the reference."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine_compare import differences
from tests.engine_lines import Line, Setup
from tests.engine_servers import end_group, environment
from tests.engine_set import AFTER, BEFORE, EngineSet

BUILD_SECONDS = 900.0  # a build that takes longer counts as failed
STATES = (BEFORE, AFTER)


@dataclass(frozen=True)
class Built:
    """What one build left: its exit code, the books that it printed, the files of its folder, seconds, and its messages of errors."""

    exit_code: int
    books: dict[str, Any]
    files: dict[str, bytes]
    seconds: float
    errors: str = ""


@dataclass(frozen=True)
class Result:
    """What a line gave: builds in the order of `STATES`, and differences to the reference; or why it was skipped."""

    line: Line
    builds: tuple[Built, ...] = ()
    differences: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def verdict(self) -> str:
        """The last column of the table."""
        return f"skipped: {self.skipped}" if self.skipped else "no" if self.differences else "yes"


def command_of(setup: Setup, made: EngineSet, *more: str) -> list[str]:
    """Return the command line of a build; `--prune` because the edit takes rows away."""
    return [
        sys.executable,
        "-m",
        "pipeline",
        "build",
        str(made.recipe),
        "--output",
        setup.output,
        "--json",
        "--prune",
        *setup.options,
        *more,
    ]


def start(command: list[str], setup: Setup, log: Path) -> subprocess.Popen[str]:
    """Start a build as a user does, in a process group of its own; it writes errors to `log`."""
    with log.open("w") as errors:
        settings = environment() | setup.environment
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=settings, cwd=log.parent, start_new_session=True
        )


def build(setup: Setup, made: EngineSet, folder: Path) -> Built:
    """Build the set as it is now, and read what was built."""
    log, began = folder / "errors.txt", time.monotonic()
    process = start(command_of(setup, made), setup, log)
    try:
        printed, _ = process.communicate(timeout=BUILD_SECONDS)
        code = process.returncode
    except subprocess.TimeoutExpired:
        printed, code = "", -signal.SIGKILL
    finally:
        end_group(process)
    try:
        books = json.loads(printed)
    except ValueError:
        books = {}
    return Built(code, books, setup.files(), time.monotonic() - began, log.read_text(errors="replace"))


def run_line(line: Line, made: EngineSet, reference: Result | None) -> Result:
    """Build on a line, before and after the edit, and compare with the reference, if there is one."""
    if skipped := line.missing():
        return Result(line, skipped=skipped)
    builds: list[Built] = []
    try:
        with tempfile.TemporaryDirectory(prefix=f"engines-{line.name}-") as name, line.open(Path(name)) as setup:
            for state in STATES:
                made.use(state)
                builds.append(build(setup, made, Path(name)))
    except (OSError, RuntimeError) as error:  # a server does not start: the other lines go on
        return Result(line, differences=(f"{type(error).__name__}: {error}",))
    expected = reference.builds if reference is not None else builds
    pairs = zip(STATES, expected, builds, strict=True)
    differing = (f"{state}: {text}" for state, right, built in pairs for text in compare(right, built))
    return Result(line, tuple(builds), tuple(differing))


def compare(expected: Built, other: Built) -> Iterable[str]:
    """Yield a line for everything in which a build differs from that of the reference, or failed."""
    if other.exit_code or other.exit_code != expected.exit_code:
        yield f"exit code {other.exit_code}: {other.errors.strip()[-1500:]}"
    for key in sorted(expected.books.keys() | other.books.keys()):
        if expected.books.get(key) != other.books.get(key):
            yield f"books, {key}: {other.books.get(key)}, not {expected.books.get(key)}"
    yield from differences(expected.files, other.files)
