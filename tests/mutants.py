"""`python -m tests.mutants N SEED [PATH...]`: break N lines of the project, one at a time; list those with which all tests pass.

The lines depend only on N, SEED and the files. Each line is broken in a copy of the tracked files, where the tests of its
module run: its own test file with the examples in its docstrings, then the test files that import it. Exit code 0 when at most
10 % of the mutants survive, 1 when more do, 2 when the tests fail without any mutant.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import functools
import os
import queue
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.mutations import Mutation, is_other_code, mutations

ROOT = Path(__file__).parent.parent
ROOMS = ("pipeline", "transforms", "sources", "augment", "train")
EQUIVALENT = Path("tests/mutants_equivalent.tsv")
MOST_SURVIVORS = 0.1  # share of the mutants that may survive
SECONDS = 90.0  # for the tests of one mutant
SECONDS_A_TEST = 30  # a test that takes longer hangs
FAR_FASTER = 3  # a timeout counts as killed when the tests need less than 1 / FAR_FASTER of the time without the mutant


@dataclass(frozen=True)
class Mutant:
    """One broken line: the module's path, the line's text before, and what is broken in it."""

    path: str
    text: str
    mutation: Mutation

    def __str__(self) -> str:
        return f"{self.path}:{self.mutation.line}  {self.mutation}  |  {self.text}"


@dataclass(frozen=True)
class Outcome:
    """The result of the tests of a mutant: `killed`, `survived` or `timeout`; `test` is the test that failed."""

    status: str
    test: str = ""


def known_equivalents(root: Path) -> set[tuple[str, str, str]]:
    """Return path, text of the line and mutation of every mutant that is known to change no behaviour."""
    table = root / EQUIVALENT
    rows = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    cells = [row.split("\t") for row in rows if row and not row.startswith("#")]
    return {(path, text, mutation) for path, text, mutation, _ in cells}


@functools.cache
def mutants_of(root: Path, path: str) -> dict[int, list[Mutant]]:
    """Return the mutants of a module by line."""
    source = (root / path).read_text(encoding="utf-8")
    lines, by_line = source.split("\n"), dict[int, list[Mutant]]()
    for mutation in mutations(source, sentences=path.startswith("augment/")):
        by_line.setdefault(mutation.line, []).append(Mutant(path, lines[mutation.line - 1].strip(), mutation))
    return by_line


def choose(root: Path, paths: Sequence[str], n: int, seed: int) -> list[Mutant]:
    """Return at most `n` mutants of different lines below the paths, the same for the same files and seed."""
    files = {file for path in paths for file in ((root / path).rglob("*.py") if (root / path).is_dir() else [root / path])}
    names = sorted(file.relative_to(root).as_posix() for file in files)
    lines = [(name, line) for name in names for line in mutants_of(root, name)]
    chance, equivalents, chosen = random.Random(seed), known_equivalents(root), list[Mutant]()
    chance.shuffle(lines)
    for name, line in lines:
        if len(chosen) == n:
            break
        options = mutants_of(root, name)[line]
        source = (root / name).read_text(encoding="utf-8")
        for mutant in chance.sample(options, len(options)):
            listed = (name, mutant.text, str(mutant.mutation)) in equivalents
            if not listed and is_other_code(source, mutant.mutation.apply(source)):
                chosen.append(mutant)
                break
    return chosen


@functools.cache
def imports_of_tests(root: Path) -> dict[str, frozenset[str]]:
    """Return the dotted names that each test file imports; `from a import b` counts as `a` and as `a.b`."""
    imports = {}
    for file in sorted((root / "tests").glob("test_*.py")):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
        names |= {str(node.module) for node in froms} | {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
        imports[f"tests/{file.name}"] = frozenset(name for name in names if name.split(".")[0] in {*ROOMS, "tests"})
    return imports


def matching_tests(root: Path, path: str) -> tuple[list[str], list[str]]:
    """Return the tests of a module, and the other test files that import it, those with the fewest imports first."""
    parts = Path(path).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    stem, prefixes = parts[-1], [f"{folder}_" for folder in parts[:-1]]
    prefixes = ["train_"] if parts[0] == "train" else ["", *prefixes]
    imports = imports_of_tests(root)
    examples = [path] if ">>>" in (root / path).read_text(encoding="utf-8") else []
    direct = [name for name in (f"tests/test_{prefix}{stem}.py" for prefix in prefixes) if name in imports]
    others = [name for name, names in imports.items() if ".".join(parts) in names and name not in direct]
    return direct + examples, sorted(others, key=lambda name: (len(imports[name]), name))


def copy_of(root: Path, folder: Path) -> Path:
    """Copy the tracked files of a checkout into a folder, as they are in its working tree."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((root / name).read_bytes())
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):  # some tests ask git for the tracked files
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return folder


def run_tests(tree: Path, tests: Sequence[str], seconds: float, stop_at_first: bool = True) -> Outcome:
    """Run test files or single tests of a tree; `test` names those that failed, one a line."""
    options = ["-v", "--tb=no", "-p", "no:cacheprovider", "-m", "not slow", *(["-x"] if stop_at_first else [])]
    options += ["-o", f"faulthandler_timeout={SECONDS_A_TEST}", "-o", "faulthandler_exit_on_timeout=true"]
    # Without PYTHONPATH, programs that a test starts in another folder would import an installed copy; with .pyc files, an older mutant.
    env = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "", "COLUMNS": "300"}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # importing plugins that no test needs takes longer than many tests
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        # pytest would import a module of `sources` a second time if it collected its examples before any test imported it.
        tests = sorted(tests, key=lambda test: not test.startswith("tests/"))
        command = [sys.executable, "-m", "pytest", *options, *tests]
        process = subprocess.Popen(command, cwd=tree, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return Outcome("timeout")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        log = output.read()
    if code in {0, 5}:  # 5: nothing was collected
        return Outcome("survived")
    failed = re.findall(r"^(?:ERROR )?(\S+\.py(?:::[^\s\[]+)?).* (?:FAILED|ERROR)\b|^ERROR (\S+\.py)(?!::)\b", log, re.MULTILINE)
    started = re.findall(r"^(\S+\.py::[^\s\[]+)", log, re.MULTILINE)
    names = [first or second for first, second in failed] or started[-1:] or list(tests)
    return Outcome("killed", "\n".join(dict.fromkeys(names)))


class MutantRunner:
    """Run the tests of mutants in copies of a checkout, one copy for each mutant that runs at the same time."""

    def __init__(self, root: Path, folder: Path, n_copies: int, seconds: float) -> None:
        self.root, self.seconds = root, seconds
        self.unchanged = copy_of(root, folder / "unchanged")
        self.trees: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(n_copies):
            self.trees.put(copy_of(root, folder / str(number)))

    def outcome_of(self, mutant: Mutant) -> Outcome:
        """Break the line in a copy, run the tests of its module, and restore the copy."""
        tree = self.trees.get()
        path, source = tree / mutant.path, (tree / mutant.path).read_text(encoding="utf-8")
        path.write_text(mutant.mutation.apply(source), encoding="utf-8")
        deadline, outcome = time.monotonic() + self.seconds, Outcome("survived")
        try:
            for tests in filter(None, matching_tests(self.root, mutant.path)):
                outcome = run_tests(tree, tests, max(0.1, deadline - time.monotonic()))
                if outcome.status == "timeout" and self.is_far_faster_unchanged(tests):
                    return Outcome("killed", "\n".join(tests))
                if outcome.status != "survived":
                    return outcome
            return outcome
        finally:
            path.write_text(source, encoding="utf-8")
            self.trees.put(tree)

    def is_far_faster_unchanged(self, tests: Sequence[str]) -> bool:
        """Return whether these tests pass in a third of the time without a mutant."""
        return run_tests(self.unchanged, tests, self.seconds / FAR_FASTER).status == "survived"

    def failures_unchanged(self, tests: Sequence[str]) -> set[str]:
        """Return which of the tests fail without a mutant."""
        outcome = run_tests(self.unchanged, tests, 60 + len(tests) * SECONDS_A_TEST, stop_at_first=False) if tests else Outcome("survived")
        return set(filter(None, outcome.test.split("\n")))

    def outcomes(self, mutants: Sequence[Mutant], n_jobs: int) -> Iterator[tuple[Mutant, Outcome]]:
        """Yield each mutant with its outcome, in the order given."""
        with concurrent.futures.ThreadPoolExecutor(n_jobs) as pool:
            yield from zip(mutants, pool.map(self.outcome_of, mutants), strict=True)


def summary(counts: Counter[str]) -> str:
    """Return the last line.

    >>> summary(Counter(killed=56, survived=4))
    '60 mutants, 56 killed, 4 survived (6.7 %)'
    """
    share = 100 * counts["survived"] / counts.total() if counts else 0.0
    line = f"{counts.total()} mutants, {counts['killed']} killed, {counts['survived']} survived ({share:.1f} %)"
    others = {"timeout": "ran out of time", "unknown": "killed by tests that fail without them"}
    return line + "".join(f", {counts[status]} {words}" for status, words in others.items() if counts[status])


def main(arguments: Sequence[str], root: Path = ROOT, rooms: Sequence[str] = ROOMS) -> int:
    """Try the mutants, print survivors as they are known and a summary, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("n", type=int, help="number of mutants")
    parser.add_argument("seed", type=int, help="another seed chooses other lines")
    parser.add_argument("paths", nargs="*", default=rooms, help="folders or files; default: every folder of the project's code")
    parser.add_argument("-j", type=int, default=1, help="mutants at the same time")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for the tests of one mutant")
    options = parser.parse_args(arguments)
    mutants, outcomes = choose(root, options.paths, options.n, options.seed), list[Outcome]()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        runner = MutantRunner(root, Path(folder), options.j, options.seconds)
        for mutant, outcome in runner.outcomes(mutants, options.j):
            outcomes.append(outcome)
            if outcome.status != "killed":
                print(f"{outcome.status}  {mutant}", flush=True)
        failures = runner.failures_unchanged(sorted({test for outcome in outcomes for test in outcome.test.split("\n") if test}))
    for failure in sorted(failures):
        print(f"fails without any mutant: {failure}")
    counts = Counter("unknown" if set(outcome.test.split("\n")) & failures else outcome.status for outcome in outcomes)
    print(summary(counts))
    if counts["unknown"]:
        return 2
    return 0 if counts["survived"] + counts["timeout"] <= MOST_SURVIVORS * counts.total() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
