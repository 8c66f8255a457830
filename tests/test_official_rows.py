"""Columns are found in other spellings, another table is refused by name, and every bad row is a rejection with table and row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.official_files import OfficialFile
from sources.metadata.official_rows import check_table, columns_of, outcomes, table_rows
from sources.metadata.options import SourceOptions
from sources.metadata.row import Row

FILE = OfficialFile(("meta/set.csv",), step="download it", what="table of clips")


def put(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_columns_are_found_in_other_spellings_and_a_wrong_table_names_the_right_one(tmp_path: Path) -> None:
    path = put(tmp_path / "set.csv", "\ufeffID, Title ,other\n1,Rain,x\n")
    assert columns_of(FILE, path, ("id", "title"), ("license",)) == {"id": "ID", "title": "Title"}
    assert [row.values for row in table_rows(FILE, path, ("id", "title"), ("license",))] == [{"id": "1", "title": "Rain"}]
    with pytest.raises(ValueError, match=r"no column url, fold, there are ID, Title, other; is it meta/set\.csv \(table of clips\)"):
        columns_of(FILE, path, ("id", "url", "fold"))
    for content in ("", "\0\0\0\0\0\0"):
        with pytest.raises(ValueError, match=r"set\.csv.*meta/set\.csv \(table of clips\) is needed: download it"):
            columns_of(FILE, put(path, content), ("id",))


def test_a_table_is_checked_to_its_end(tmp_path: Path) -> None:
    check_table(FILE, put(tmp_path / "set.jsonl", '{"id": 1}\n{"id": 2}\n'), ("id",))
    with pytest.raises(ValueError, match=r"set\.parquet"):
        check_table(FILE, put(tmp_path / "set.parquet", "PAR1 no more"), ("id",))


def test_a_rejection_names_table_row_and_address(tmp_path: Path) -> None:
    path = put(tmp_path / "b.csv", "id,url\nskip,\n1,2,3\nbad,https://example.org/x\n4,\n")

    def clip_of(row: Row) -> Clip | None:
        cell = row.values["id"]
        if cell == "bad":
            raise Rejected(Reason.BAD_ROW, "it is bad")
        return None if cell == "skip" else Clip("set", "Set", "test", cell, "", row_number=row.number)

    options = SourceOptions(source="set", dataset="Set", base=tmp_path)
    rows = list(outcomes(path, table_rows(FILE, path, ("id", "url")), options, "test", clip_of, ("url",)))
    assert [(row.id, row.row_number) for row in rows if isinstance(row, Clip)] == [("4", 4)]
    short, bad = (row for row in rows if isinstance(row, Rejection))
    assert (short.clip.id, short.clip.split, short.clip.row_number) == ("b.csv-row-2", "test", 2)
    assert short.detail.startswith("b.csv, row 2: 3 cells where the header has 2")
    assert (bad.clip.url, bad.detail) == ("https://example.org/x", "b.csv, row 3: it is bad")
