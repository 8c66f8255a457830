"""docs/field.md names tests that exist, so that a fault of its kind is found again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LOG = (TESTS.parent / "docs" / "field.md").read_text(encoding="utf-8")
ROWS = [line for line in LOG.splitlines() if line.startswith("| ") and not line.startswith(("| reported", "|---"))]


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_exist(row: str) -> None:
    cells = row.strip("| ").rsplit(" | ", 2)
    assert len(cells) == 3
    files = re.findall(r"\btest_[a-z0-9_]+", cells[2])
    assert files
    texts = [(TESTS / f"{name}.py").read_text(encoding="utf-8") for name in files]
    damages = "".join(path.read_text(encoding="utf-8") for path in TESTS.glob("damage*.py"))
    for words in re.findall(r"`([^`]+)`", cells[2]) + re.findall(r"\(?\b([A-Z_]{4,})\b", cells[2]):
        assert any(words in text for text in [*texts, damages]), words


def test_every_kind_has_rows() -> None:
    kinds = re.split(r"^## ", LOG, flags=re.MULTILINE)[1:]
    assert [kind[0] for kind in kinds] == [*"ABCDEFGH", "R"]
    assert all(kind.count("\n| ") > 1 for kind in kinds)
