"""Tables show every number of the books and of an estimate."""

from __future__ import annotations

import collections
import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.table import Table

from pipeline.report.tables import (
    books_table,
    checklist_lines,
    estimate_lines,
    estimate_table,
    readable_bytes,
    sources_table,
    unchecked_lines,
)
from pipeline.verbs.checklist import CheckedNeed
from pipeline.verbs.estimate import Estimate, HostLoad, SourceEstimate
from pipeline.verbs.status import Books, DatasetCounts
from sources import SOURCES
from sources.metadata.card import Card, Download, Kind, Need, NeedKind
from transforms.fetching.limits.hosts import HostLimits


def shown(table: Table, width: int = 200) -> list[str]:
    """Return the words of each line of a table."""
    console = Console(file=io.StringIO(), width=width)
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


def test_estimates_show_sources_hosts_and_what_is_missing() -> None:
    known = SourceEstimate("table", "Mine", 7, 1.25, 4, {"example.org": 7})
    published = SourceEstimate("clotho", "Clotho", 3839, 24.0, 0, {}, True, ("captions: download them", "audio: unpack it"))
    host = HostLoad("youtube.com", 7200, HostLimits(per_hour=300))
    estimate = Estimate((known, published), 9, {"no_text": 1, "bad_row": 2}, (host,))
    assert shown(estimate_table(estimate))[2:] == [
        "table table 7 1.25+ 793.8 MB+ 237.6 MB+",
        "clotho published 3,839 24 0 B 4.6 GB",
        "all 3,846 25+ 793.8 MB+ 4.8 GB+",
    ]
    assert list(estimate_lines(estimate)) == [
        "9 shards; 3 rows left out   bad_row 2, no_text 1",
        "+: the length of 4 clips is known only when they are fetched",
        "youtube.com: 7,200 recordings; at most 300 an hour: 1.0 days",
        "clotho is counted as published; missing: captions: download them, and 1 more",
    ]


def test_sources_without_their_tables_are_named_as_not_compared() -> None:
    known, published = SourceEstimate("table", "Mine", 7, 1.25, 0, {}), SourceEstimate("clotho", "Clotho", 9, 0.5, 0, {}, True)
    assert list(unchecked_lines(Estimate((known,), 1))) == []
    lines = list(unchecked_lines(Estimate((known, published), 1)))
    assert lines == ["not compared with other sets, since their tables are missing: clotho"]


def test_estimates_of_one_source_need_no_line_of_sums() -> None:
    estimate = Estimate((SourceEstimate("table", "Mine", 7, 1.25, 0, {}),), 1)
    assert shown(estimate_table(estimate))[2:] == ["table table 7 1.25 0 B 237.6 MB"]
    assert list(estimate_lines(estimate)) == ["1 shard; 0 rows left out"]


def test_sources_are_grouped_by_kind_and_show_their_cards() -> None:
    card = Card("Title", "CC0", "a table", "captions", size="two", faults="none", dead="all", kind=Kind.LABELS)
    own = Card("Mine", "as it is", "a folder", "names")
    lines = shown(sources_table({"set": SimpleNamespace(CARD=card), "mine": SimpleNamespace(CARD=own)}))  # type: ignore[dict-item]
    assert lines[lines.index("your own") :] == [
        *("your own", "mine Mine", "licence: as it is", "bring: a folder", "text: names"),
        *("labels", "set Title. two", "licence: CC0", "bring: a table", "text: captions", "dead: all"),
        "known faults, and every step: docs/sources.md; as JSON: --json",
    ]


def test_all_sources_fit_into_100_columns_and_none_is_left_out() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(sources_table(SOURCES))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 100 and "…" not in "".join(lines)
    assert {line.split()[0] for line in lines if re.match(r"  \w", line)} - {"source"} == set(SOURCES)


def test_many_files_that_are_got_alike_are_one_line() -> None:
    downloads = [Download(f"https://example.org/{number}.parquet", f"{number}.parquet") for number in range(43)]
    needs = [CheckedNeed("epidemic", "E", Need(NeedKind.FILE, f"class {n}", None, "copy them", d)) for n, d in enumerate(downloads)]
    token = CheckedNeed("epidemic", "E", Need(NeedKind.KEY, "token", None, "ask"))
    assert list(checklist_lines([*needs, token])) == [
        "epidemic",
        *("  to fetch  43 files, such as class 0", "            a build fetches them from example.org"),
        *("  MISSING   token", "            ask"),
    ]
    there = [CheckedNeed("epidemic", "E", Need(NeedKind.FILE, f"class {n}", Path(f"/data/{n}"), "copy them")) for n in range(4)]
    assert list(checklist_lines(there))[1:] == ["  there     4 files, such as class 0", "            such as /data/0"]
    assert len(list(checklist_lines(needs[:3]))) == 7  # few files keep their lines


def test_a_checklist_says_what_is_there_and_how_to_get_the_rest() -> None:
    download = Download("https://example.org/t.csv", "t.csv")
    needs = [
        CheckedNeed("clotho", "Clotho", Need(NeedKind.FILE, "captions", Path("/data/captions.csv"), "get it")),
        CheckedNeed("clotho", "Clotho", Need(NeedKind.FILE, "metadata", None, "download [it]")),
        CheckedNeed("macs", "MACS", Need(NeedKind.FILE, "table", None, "get it", download)),
        CheckedNeed("macs", "MACS", Need(NeedKind.KEY, "token", None, "ask for one", is_required=False)),
    ]
    assert list(checklist_lines(needs)) == [
        *("clotho", "  there     captions", "            /data/captions.csv", "  MISSING   metadata", "            download [it]"),
        *("macs", "  to fetch  table", "            a build fetches it from https://example.org/t.csv"),
        *("  optional  token", "            ask for one"),
    ]
    assert [need.is_missing for need in needs] == [False, True, False, False]


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
