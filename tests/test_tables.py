"""Tables show every number of the books and of an estimate."""

from __future__ import annotations

import collections
import io
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.table import Table

from pipeline.report.tables import books_table, estimate_table, readable_bytes, sources_table
from pipeline.verbs.estimate import Estimate, HostLoad
from pipeline.verbs.status import Books, DatasetCounts
from transforms.fetching.hosts import HostLimits


def shown(table: Table) -> list[str]:
    """Return the words of each line of a table."""
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    lines = (" ".join(word for word in line.split() if word.strip("│┃|")) for line in text.splitlines())
    return [line for line in lines if any(character.isalnum() for character in line)]


COUNTS = {
    "B": DatasetCounts(9, 5, 1, collections.Counter(silent=1, corrupt=1, timeout=2)),
    "A": DatasetCounts(2, 2, 0),
}


def test_books_have_a_line_a_dataset_and_a_line_of_sums() -> None:
    assert shown(books_table(Books(COUNTS, 3, 4, 5400.0, 2_500_000))) == [
        "shards 3/4 1.500 h 2.5 MB",
        "dataset planned samples rejections waiting by reason",
        "A 2 2 0 0",
        "B 9 5 4 1 timeout 2, corrupt 1, silent 1",
        "all 11 7 4 1 timeout 2, corrupt 1, silent 1",
        "the books do not balance yet",
    ]


def test_books_of_a_dataset_need_no_line_of_sums_and_balance() -> None:
    lines = shown(books_table(Books({"A": COUNTS["A"]}, 1, 1, 0.0, 0)))
    assert lines[2] == "A 2 2 0 0"
    assert " ".join(lines[3:]) == "the books balance: every planned row is one sample or one rejection"


def test_estimates_show_hosts_and_clips_of_unknown_length() -> None:
    host = HostLoad("example.org", 7, HostLimits())
    lines = shown(estimate_table(Estimate(10, 2, 3, {"no_text": 1, "bad_row": 2}, 1.25, 4, 3_000.0, (host,))))
    assert lines == [
        "estimate",
        "clips 10 in 2 shards",
        "left out 3 bad_row 2, no_text 1",
        "hours 1.25 h where start and end say so; 4 clips of unknown length",
        "shards about 3.0 kB for those hours",
        "example.org 7 recordings" + host.in_words(),
    ]


def test_estimates_without_unknown_lengths_do_not_name_them() -> None:
    lines = shown(estimate_table(Estimate(10, 2, 0, {}, 1.25, 0, 3_000.0, ())))
    assert lines[2:4] == ["left out 0", "hours 1.25 h where start and end say so"]


def test_sources_have_a_line_each_with_everything_on_their_card() -> None:
    card = SimpleNamespace(title="Title", license="CC0", bring="a table", text="captions", dead="none")
    lines = shown(sources_table({"table": SimpleNamespace(CARD=card)}))  # type: ignore[dict-item]
    assert lines == ["source what it is licence bring text known dead", "table Title CC0 a table captions none"]


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_900, "999.9 kB"),
        (1e6, "1.0 MB"),
        (2.5e9, "2.5 GB"),
        (3e12, "3.0 TB"),
        (4e15, "4000.0 TB"),
    ],
)
def test_sizes_have_the_largest_unit_that_fits(n_bytes: float, text: str) -> None:
    assert readable_bytes(n_bytes) == text
