"""Metadata files of all formats are read as rows; a bad row does not spoil the others."""

import json
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.metadata.cells import Unreadable
from sources.metadata.row import Row
from sources.metadata.rows import columns_of, read_rows
from sources.metadata.text_lines import MAX_LINE


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
        (b"a.wav", "1 cells where the header has 2 (line 3)"),
        (b"a.wav,x,y", "3 cells where the header has 2 (line 3)"),
        (b"a.wav,caf\xe9", "not UTF-8: save the table as UTF-8 (line 3)"),
        (b"a.wav,x\0y", "a NUL character (line 3)"),
        (b'a.wav,"x" y', 'a quote inside a quoted cell that is not doubled ("") (line 3)'),
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
        ("a.csv", "url,caption\n".encode("utf-16-le"), "looks like UTF-16 without a byte order mark; save the table as UTF-8"),
        ("a.csv", b"\xff\n", r"row 0 \(the header\): not UTF-8"),
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


def test_a_file_that_ends_inside_of_a_character_is_an_error_of_the_file(tmp_path):
    with pytest.raises(ValueError, match="not UTF-16, as its byte order mark says"):
        rows(written(tmp_path, "a.csv", "url\na.wav\n".encode("utf-16") + b"x"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("before", "separator"), [("", ","), ("", ";"), ("", "\t"), ("", "|"), ("sep=;\n", ";"), ('"sep=#"\n', "#")])
def test_csv_is_read_with_the_encoding_line_end_and_separator_that_it_has(tmp_path, encoding, end, before, separator):
    lines = [separator.join(cells) for cells in (["url", "caption "], ["é.wav", f'"Rain{separator} then{end}""thunder"""'])]
    path = written(tmp_path, "a.csv", (before.replace("\n", end) + "".join(line + end for line in lines)).encode(encoding))
    assert [row.values for row in rows(path)] == [{"url": "é.wav", "caption": f'Rain{separator} then{end}"thunder"'}]


def test_a_header_with_commas_is_divided_by_commas_whatever_else_it_holds(tmp_path):
    assert columns_of(written(tmp_path, "a.csv", "url,a;b;c;d\n")) == ["url", "a;b;c;d"]
    assert columns_of(written(tmp_path, "b.csv", "url\n")) == ["url"]
    assert columns_of(written(tmp_path, "c.tsv", "url,caption\n")) == ["url", "caption"]


def test_blanks_around_names_of_columns_are_no_part_of_them(tmp_path):
    assert columns_of(written(tmp_path, "a.csv", " url,\u00a0start ,\ufeffend\n")) == ["url", "start", "end"]
    assert rows(written(tmp_path, "a.jsonl", '{" url ": "a"}\n'))[0].values == {"url": "a"}
    pq.write_table(pa.table({" url": ["a"]}), tmp_path / "a.parquet")
    assert (columns_of(tmp_path / "a.parquet"), rows(tmp_path / "a.parquet")[0].values) == (["url"], {"url": "a"})


def test_columns_without_a_name_may_repeat(tmp_path):
    assert columns_of(written(tmp_path, "a.csv", ",url,,\n")) == ["", "url", "", ""]


def test_a_long_line_is_an_error_of_a_csv_and_a_fault_of_one_row_of_a_jsonl(tmp_path):
    long = "x" * (MAX_LINE + 5)
    with pytest.raises(ValueError, match="line 2 has more than"):
        rows(written(tmp_path, "a.csv", f"url\n{long}\n"))
    read = rows(written(tmp_path, "a.jsonl", f'{{"url": "{long}"}}\n{{"url": "b"}}\n'))
    assert [(row.number, row.fault) for row in read] == [(1, f"a line of more than {MAX_LINE} characters"), (2, "")]


def test_a_name_that_stands_twice_in_one_object_is_a_fault(tmp_path):
    assert rows(written(tmp_path, "a.jsonl", '{"url": "a", "url": "b"}\n'))[0].fault == "not JSON: a name stands twice in one object"


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


def test_parquet_text_that_is_not_utf_8_is_unreadable_in_its_cell_alone(tmp_path):
    latin = pa.StringArray.from_buffers(2, pa.py_buffer(struct.pack("<3i", 0, 4, 5)), pa.py_buffer(b"caf\xe9x"))
    pq.write_table(pa.table({"url": latin}), tmp_path / "a.parquet")
    assert [row.values["url"] for row in rows(tmp_path / "a.parquet")] == [Unreadable("text that is not UTF-8"), "x"]


def test_every_format_gives_the_same_rows(tmp_path):
    values = [{"url": "a.wav", "caption": "Año, 雨 🌧"}, {"url": "b.wav", "caption": "x"}]
    written(tmp_path, "a.csv", 'url,caption\na.wav,"Año, 雨 🌧"\nb.wav,x\n')
    written(tmp_path, "a.tsv", "url\tcaption\na.wav\tAño, 雨 🌧\nb.wav\tx\n")
    written(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in values))
    pq.write_table(pa.Table.from_pylist(values), tmp_path / "a.parquet")
    for suffix in ("csv", "tsv", "jsonl", "parquet"):
        assert [row.values for row in read_rows(tmp_path / f"a.{suffix}")] == values
