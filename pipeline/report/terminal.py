"""Print what a verb has to say: books, lines, JSON, failures."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.counted import counted
from pipeline.failures import DONE, WRONG, Failure
from pipeline.masking import mask_text

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.output.shared_file import SharedRecordings
    from pipeline.output.storage import Folder
    from pipeline.verbs.build import Outcome

MAX_MISSING = 20  # lines printed of the rows that are missing


def print_outcome(outcome: Outcome, folder: Folder, name: str, as_json: bool) -> int:
    """Print the books after a build, and what it left for later; return the exit code."""
    errors = console(stderr=True)
    print_errors(outcome.notes)
    if as_json:
        waiting = {each.host: each.until for each in outcome.paused}
        print_json(outcome.books.to_json() | {"built": outcome.n_built, "paused": waiting})
        for line in (*outcome.left_out, *map(str, outcome.paused)):
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
    else:
        from pipeline.output.shared_file import read_shared
        from pipeline.report.tables import books_table

        nothing = "nothing could be done now" if outcome.paused else "nothing was left to do"
        made = f"{counted(outcome.n_built, 'shard')} made" if outcome.n_built else nothing
        where = f"books: {name}/DATASET/SPLIT/N.parquet, left out while planning: {name}/plan/rejections.parquet"
        if outcome.plan_is_new:
            print_shared(read_shared(folder) or ())
        console().print(books_table(outcome.books))
        print_lines([*outcome.left_out, f"{made} in {name}; {where}", *map(str, outcome.paused)])
        if outcome.has_t5:
            print_t5(folder)
    if not outcome.books.total.samples and not outcome.paused:
        print_errors(["no sample was made: see the reasons above, and docs/faq.md for what each means"])
    return print_missing(outcome.missing, errors)


def print_missing(missing: Sequence[str], errors: Console) -> int:
    """Print what is missing from the books; return the exit code."""
    for line in missing[:MAX_MISSING]:
        errors.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    if missing:
        errors.print(
            f"the books do not balance, {counted(len(missing), 'fault')}; run the same command again", style="red", highlight=False
        )
    return WRONG if missing else DONE


def print_errors(lines: Iterable[str]) -> None:
    """Print lines to the error output, in red."""
    errors = console(stderr=True)
    for line in lines:
        errors.print(line, style="red", markup=False, highlight=False, soft_wrap=True)


def print_notes(lines: Iterable[str]) -> None:
    """Print lines to the error output, so that the output can be read by programs."""
    errors = console(stderr=True)
    for line in lines:
        errors.print(line, markup=False, highlight=False, soft_wrap=True)


def print_t5(folder: Folder) -> None:
    """Print how many captions by a T5 passed the guard, where there are any."""
    from pipeline.report.text_lines import t5_lines

    print_lines(t5_lines(folder))


def print_shared(shared: Sequence[SharedRecordings] | None, also_none: bool = False) -> None:
    """Print the recordings that two splits share; with `also_none` a line where there are none."""
    from pipeline.report.shared_table import shared_table

    if shared or also_none:
        console().print(shared_table(shared), highlight=False)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines as they are."""
    output = console()
    for line in lines:
        output.print(line, markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def console(stderr: bool = False) -> Console:
    """Return the terminal, or the file that its output goes to."""
    from rich.console import Console

    return Console(stderr=stderr)


def print_failure(failure: Failure) -> None:
    """Print why a command ended, and what to do; secrets in addresses are masked."""
    errors = console(stderr=True)
    for line in (failure.sentence, failure.remedy):
        if line:
            errors.print(mask_text(line), style="red", markup=False, highlight=False, soft_wrap=True)
