"""The list of barred words: found where people read, not in data."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.words import BARRED, BARRED_NAMES, findings, main


def words(source: str, path: str = "pipeline/x.py") -> list[tuple[int, str]]:
    return [(finding.line, finding.word) for finding in findings(path, source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""The door to Beam."""', [(1, "door")]),
        ('"""Do it.\n\nStrangers and\na neighbour.\n"""', [(3, "strangers"), (4, "neighbour")]),
        ('x = 1\n"""A manner of speaking."""', [(2, "manner")]),
        ("x = 1  # Nobody reads this", [(1, "nobody")]),
        ("def f():\n    # keeps  still\n    pass", []),
        ("def f():\n    # keeps still\n    pass", [(2, "keeps still")]),
        ("raise ValueError('the world')", [(1, "world")]),
        ("x = f'{n} rows told us'", [(1, "told")]),
        ("x = ('a text of'\n     ' the house')", [(1, "house")]),
        ("def door(): pass", [(1, "door")]),
        ("class OpenDoor: pass", [(1, "door")]),
        ("def f(a_stranger): pass", [(1, "stranger")]),
        ("wire = 1", [(1, "wire")]),
        ("self.last_words = 1", [(1, "last words")]),
        ("import a as neighbours", [(1, "neighbours")]),
        ("try: f()\nexcept E as no: pass", [(2, "no")]),
        ("for place in x: pass", [(1, "place")]),
    ],
)
def test_a_barred_word_is_named_with_its_line(source: str, expected: list[tuple[int, str]]) -> None:
    assert words(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Return what was found in no place, one by one; outdoors, worldwide."""',
        '"""Wait for "last words" and `door`.\n\n>>> f("a door")\n\'a door\'\n"""',
        '"""The number of ranks, also called world size."""',
        "x = 'door'",
        "x = {'door': ['A door']}",
        "x = call(door, no)",
        "x = world_size(WORLD_SIZE)",
        "world_size = 1",
        "n_found = in_place = 1",
        "# see https://example.org/the/world",
        "x = 1  # the door of a caption; allowed word: door",
    ],
)
def test_data_quotations_and_longer_words_are_left_alone(source: str) -> None:
    assert words(source) == []


def test_a_marker_allows_the_word_that_it_names_and_no_other() -> None:
    assert words("# a door for nobody, allowed word: door") == [(1, "nobody")]


def test_texts_of_tests_and_of_augment_are_data_but_not_the_messages_of_augment() -> None:
    assert words("x = 'a door in the house'", "tests/test_x.py") == []
    assert words("x = 'a door in the house'", "augment/x.py") == []
    assert words("raise ValueError('a door in the house')", "augment/x.py") == [(1, "door"), (1, "house")]
    assert words("def test_what_nobody_said(): pass", "tests/test_x.py") == [(1, "nobody"), (1, "said")]


def test_lines_after_an_example_are_checked_again() -> None:
    assert words('"""Do.\n\n    >>> door\n    house\n\n    A world.\n    """') == [(6, "world")]


def test_file_names_are_checked() -> None:
    assert words("", "transforms/wire.py") == [(1, "wire")]


def test_markdown_is_checked_outside_of_code() -> None:
    text = "# Rules of the house\n\n    the door\n\n```\nnobody\n```\nA `world` of **strangers**.\n"
    assert words(text, "README.md") == [(1, "house"), (8, "strangers")]


def test_every_barred_word_has_something_to_write_instead() -> None:
    assert all({**BARRED, **BARRED_NAMES}.values())


def test_the_program_prints_file_line_and_replacement_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text('"""A stranger."""\n')
    (tmp_path / "b.md").write_text("Fine.\n")
    (tmp_path / "not_tracked.py").write_text('"""A stranger."""\n')
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "a.py", "b.md"], cwd=tmp_path, check=True)
    assert main([], tmp_path) == 1
    assert capsys.readouterr().out.splitlines()[0] == f"a.py:1: stranger -> {BARRED['strangers?']}"
    assert main(["b.md"], tmp_path) == 0
    assert capsys.readouterr().out == ""
