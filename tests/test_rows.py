"""Metadata files of all formats are read as rows; a bad row does not spoil the others."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.metadata.rows import Row, columns_of, read_rows


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path) -> list[Row]:
    return list(read_rows(path))


def test_csv_cells_may_hold_commas_quotes_and_line_breaks(tmp_path):
    path = written(tmp_path, "a.csv", 'url,caption\r\na.wav,"Rain, then\nthunder"\r\n\r\nb.wav,"a ""loud"" bang"\r\n')
    assert [row.values for row in rows(path)] == [
        {"url": "a.wav", "caption": "Rain, then\nthunder"},
        {"url": "b.wav", "caption": 'a "loud" bang'},
    ]
    assert [row.number for row in rows(path)] == [1, 2]


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path):
    assert columns_of(written(tmp_path, "a.csv", b"\xef\xbb\xbfurl,caption\n")) == ["url", "caption"]
    assert rows(written(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"url": "a"}\n'))[0].values == {"url": "a"}


def test_tsv_is_divided_by_tabs_and_extensions_may_be_in_capitals(tmp_path):
    assert rows(written(tmp_path, "A.TSV", "url\tcaption\na.wav\tx, y\n"))[0].values == {"url": "a.wav", "caption": "x, y"}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"a.wav", "1 cells where the header has 2"),
        (b"a.wav,x,y", "3 cells where the header has 2"),
        (b"a.wav,caf\xe9", "not UTF-8: save the table as UTF-8"),
        (b"a.wav,x\0y", "a NUL character"),
        (b'a.wav,"x" y', 'a quote inside a quoted cell that is not doubled ("")'),
    ],
)
def test_a_bad_csv_row_is_a_fault_of_that_row_only(tmp_path, line, fault):
    read = rows(written(tmp_path, "a.csv", b"url,caption\nok.wav,1\n" + line + b"\nok.wav,3\n"))
    assert [row.fault for row in read] == ["", fault, ""]
    assert read[2] == Row(3, {"url": "ok.wav", "caption": "3"})


def test_a_quote_left_open_is_an_error_of_the_file_that_names_the_line_it_begins_in(tmp_path):
    path = written(tmp_path, "a.csv", 'url,caption\na.wav,"two\nlines"\nb.wav,"never closed\nc.wav,lost\n')
    with pytest.raises(ValueError, match=r"a\.csv: row 2 \(line 4\): unexpected end of data; is a quote left open\?"):
        rows(path)


def test_a_cell_longer_than_any_text_is_an_error_of_the_file(tmp_path):
    with pytest.raises(ValueError, match=r"row 1 \(line 2\): field larger than field limit"):
        rows(written(tmp_path, "a.csv", "url\n" + "x" * (2 << 20) + "\n"))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", b"", "the file is empty; a first row with the names of the columns is needed"),
        ("a.csv", b"url,caption,url\n", "the header names 'url' more than once"),
        ("a.csv", "url,caption\n".encode("utf-16"), r"row 0 \(the header\): not UTF-8"),
        ("a.csv", b'"url,caption\n', r"row 0 \(the header\): unexpected end of data"),
        ("a.xlsx", b"", "tables are read as .csv, .tsv, .jsonl, .parquet, not .xlsx"),
        ("a", b"", "not a file without extension"),
        ("a.parquet", b"PAR1 but no more", "not a parquet file"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, name, content, complaint):
    with pytest.raises(ValueError, match=complaint):
        columns_of(written(tmp_path, name, content))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name in ("missing.csv", "folder.csv"):
        with pytest.raises(ValueError, match="no such file"):
            columns_of(tmp_path / name)


def test_jsonl_rows_have_the_numbers_of_their_lines(tmp_path):
    deep, huge = "[" * 100_000, '{"n": ' + "9" * 5000 + "}"
    path = written(tmp_path, "a.jsonl", '{"url": "a"}\n\n{"url": \n[1]\n' + f"{deep}\n{huge}\n" + '{"url": "b"}')
    faults = {row.number: row.fault for row in read_rows(path)}
    assert list(faults) == [1, 3, 4, 5, 6, 7]
    assert faults[1] == faults[7] == ""
    assert faults[4] == "a list, not an object"
    assert all(faults[number].startswith("not JSON: ") for number in (3, 5, 6))


def test_jsonl_bytes_that_are_not_utf_8_are_a_fault_of_one_row(tmp_path):
    read = rows(written(tmp_path, "a.jsonl", b'{"url": "caf\xe9"}\n{"url": "b"}\n'))
    assert [row.fault for row in read] == ["not UTF-8: save the table as UTF-8", ""]


def test_parquet_keeps_lists_and_nulls(tmp_path):
    pq.write_table(pa.table({"url": ["a", None], "caption": [["x", "y"], None]}), tmp_path / "a.parquet")
    assert columns_of(tmp_path / "a.parquet") == ["url", "caption"]
    assert rows(tmp_path / "a.parquet")[0] == Row(1, {"url": "a", "caption": ["x", "y"]})
    assert rows(tmp_path / "a.parquet")[1].values == {"url": None, "caption": None}


def test_parquet_text_that_is_not_utf_8_is_an_error_of_the_file(tmp_path):
    latin = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\4\0\0\0"), pa.py_buffer(b"caf\xe9"))
    pq.write_table(pa.table({"url": latin}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: cannot be read after row 0"):
        rows(tmp_path / "a.parquet")


def test_every_format_gives_the_same_rows(tmp_path):
    values = [{"url": "a.wav", "caption": "Año, 雨 🌧"}, {"url": "b.wav", "caption": "x"}]
    written(tmp_path, "a.csv", 'url,caption\na.wav,"Año, 雨 🌧"\nb.wav,x\n')
    written(tmp_path, "a.tsv", "url\tcaption\na.wav\tAño, 雨 🌧\nb.wav\tx\n")
    written(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in values))
    pq.write_table(pa.Table.from_pylist(values), tmp_path / "a.parquet")
    for suffix in ("csv", "tsv", "jsonl", "parquet"):
        assert [row.values for row in read_rows(tmp_path / f"a.{suffix}")] == values
