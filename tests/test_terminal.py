"""Lines are printed as they are: whatever they hold, however long they are; errors go to the error output."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.failures import Failure
from pipeline.output.storage import Folder
from pipeline.report.terminal import (
    MAX_MISSING,
    console,
    print_errors,
    print_failure,
    print_json,
    print_lines,
    print_missing,
    print_outcome,
)
from tests.fates import build_into, make_fates

LINE = "Set[bold]/train/0: " + "long " * 40 + "[/bold] end"  # rich would take the brackets for markup, and break the line
Capture = pytest.CaptureFixture[str]


def test_lines_are_printed_as_they_are(capsys: Capture) -> None:
    print_lines([LINE, "second"])
    assert capsys.readouterr() == (f"{LINE}\nsecond\n", "")
    print_errors([LINE, "second"])
    assert capsys.readouterr() == ("", f"{LINE}\nsecond\n")


def test_twenty_missing_rows_are_printed_and_their_number(capsys: Capture) -> None:
    assert print_missing([], console(stderr=True)) == 0 and capsys.readouterr() == ("", "")
    lines = [f"{LINE} {n}" for n in range(MAX_MISSING + 1)]
    assert print_missing(lines, console(stderr=True)) == 1
    balance = "the books do not balance, 21 faults; run the same command again"
    assert MAX_MISSING == 20 and capsys.readouterr() == ("", "\n".join([*lines[:20], balance]) + "\n")


@pytest.mark.parametrize(
    ("failure", "printed"),
    [
        (Failure(LINE, "do [this]", 2), f"{LINE}\ndo [this]\n"),
        (Failure("sentence", "", 2), "sentence\n"),
        (Failure("sentence", "remedy", 1, LINE), "sentence\nremedy\n"),  # the details go into a file
    ],
)
def test_a_failure_is_its_sentence_and_its_remedy(failure: Failure, printed: str, capsys: Capture) -> None:
    print_failure(failure)
    assert capsys.readouterr() == ("", printed)


def test_json_keeps_letters_of_every_language(capsys: Capture) -> None:
    print_json({"caption": "Wörter [b]", "n": 1})
    assert capsys.readouterr() == ('{\n "caption": "Wörter [b]",\n "n": 1\n}\n', "")


def test_the_outcome_of_a_build_is_a_table_and_lines_or_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("pipeline.report.text_lines.t5_lines", lambda folder: [f"T5 in {folder.root}"])
    recipe, folder = make_fates(tmp_path / "in"), Folder(str(tmp_path / "out"))
    made = replace(build_into(tmp_path / "out", recipe), has_t5=True)
    left = replace(made, n_built=0, notes=("a note",), left_out=(LINE,), missing=("Set/train/0: missing",))
    where = "books: NAME/DATASET/SPLIT/N.parquet, left out while planning: NAME/plan/rejections.parquet"
    balance = "Set/train/0: missing\nthe books do not balance, 1 fault; run the same command again\n"

    assert print_outcome(made, folder, "NAME", as_json=False) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith(f"\n5 shards made in NAME; {where}\nT5 in {folder.root}\n") and printed.err == ""
    assert "Fates" in printed.out

    assert print_outcome(left, folder, "NAME", as_json=False) == 1
    printed = capsys.readouterr()
    assert printed.out.endswith(f"\n{LINE}\nnothing was left to do in NAME; {where}\nT5 in {folder.root}\n")
    assert printed.err == f"a note\n{balance}"

    assert print_outcome(left, folder, "NAME", as_json=True) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == left.books.to_json() | {"built": 0, "paused": {}}
    assert printed.err == f"a note\n{LINE}\n{balance}"
