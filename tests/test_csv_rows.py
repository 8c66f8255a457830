"""The separator, the header and the rows of a csv are exact, and each fault names its row and line."""

from pathlib import Path

import pytest

from sources.metadata.csv_rows import columns, rows
from sources.metadata.row import Row
from sources.metadata.text_lines import MAX_LINE


def written(folder: Path, content: bytes, name: str = "a.csv") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(
    ("name", "content", "header"),
    [
        ("a.csv", b"url,caption\n", ["url", "caption"]),
        ("a.csv", b"url;caption\n", ["url", "caption"]),
        ("a.csv", b"url\tcaption\n", ["url", "caption"]),
        ("a.csv", b"url|caption\n", ["url", "caption"]),
        ("a.csv", b"url;a|b|c\n", ["url;a", "b", "c"]),
        ("a.csv", b"url;a|b\n", ["url;a", "b"]),  # of two, the later sign
        ("a.csv", b"url,a;b;c\n", ["url", "a;b;c"]),
        ("a.csv", b"url\n", ["url"]),
        ("a.TSV", b"url\tx,y,z\n", ["url", "x,y,z"]),
        ("a.tsv", b"url,caption\n", ["url", "caption"]),
        ("a.csv", b"sep=#\nurl#a,b\n", ["url", "a,b"]),
        ("a.csv", b'"SEP=;"\r\nurl;a,b\n', ["url", "a,b"]),
        ("a.csv", b"sep=,,\nurl\n", ["sep=", "", ""]),
    ],
)
def test_the_separator_is_the_one_of_the_header(tmp_path, name, content, header):
    assert columns(written(tmp_path, content, name)) == header


def test_faults_name_the_row_and_the_line_it_begins_in(tmp_path):
    path = written(tmp_path, b'sep=;\nurl;caption\na;"x\ny"\n\nb\nc;"x"y\nd;\xff;1\ne;1\n')
    assert list(rows(path)) == [
        Row(1, {"url": "a", "caption": "x\ny"}),
        Row(2, {"url": "b"}, "1 cells where the header has 2 (line 6)"),
        Row(3, {}, 'a quote inside a quoted cell that is not doubled ("") (line 7)'),
        Row(4, {"url": "d", "caption": "\udcff"}, "not UTF-8: save the table as UTF-8 (line 8)"),
        Row(5, {"url": "e", "caption": "1"}),
    ]


def test_a_quote_left_open_names_its_row(tmp_path):
    read = rows(written(tmp_path, b'url,caption\na,1\nb,"2\nc,3\n'))
    assert next(read).values == {"url": "a", "caption": "1"}
    with pytest.raises(ValueError, match=r"a\.csv: row 2 \(line 3\): unexpected end of data; is a quote left open\?$"):
        next(read)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; a first row with the names of the columns is needed"),
        (b"a\0,b\n", r"row 0 \(the header\): a NUL character"),
        (b'"a,b\n', r"row 0 \(the header\): unexpected end of data"),
        (b"a,b,a\n", "the header names 'a' more than once"),
    ],
)
def test_a_bad_header_is_an_error(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        columns(written(tmp_path, content))


def test_cells_and_lines_have_a_limit(tmp_path):
    cell = b"x" * (1 << 20)
    assert [len(row.values["url"]) for row in rows(written(tmp_path, b"url\n" + cell + b"\n"))] == [1 << 20]
    with pytest.raises(ValueError, match=r"row 1 \(line 2\): field larger than field limit"):
        list(rows(written(tmp_path, b"url\n" + cell + b"x\n")))
    line = b",".join([cell[:-1]] * 4)  # MAX_LINE - 1 characters, and a line end
    names = b"a,b,c,d\n"
    assert len(line) + 1 == MAX_LINE and len(list(rows(written(tmp_path, names + line + b"\n")))) == 1
    with pytest.raises(ValueError, match=f"line 2 has more than {MAX_LINE} characters; write one row a line"):
        list(rows(written(tmp_path, names + line + b"x\n")))


def test_a_table_without_a_header_has_the_columns_that_are_given(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a,"b, c"\nd\n')
    first, second = rows(tmp_path / "t.csv", ("x", "y"))
    assert (first.number, first.values) == (1, {"x": "a", "y": "b, c"})
    assert second.fault.startswith("1 cells where the header has 2")


def test_a_fallback_is_the_encoding_of_tables_that_are_not_utf_8_and_of_no_other(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "t.csv").write_bytes("naïve;y\nJosé;é\n".encode(encoding))
        assert columns(tmp_path / "t.csv", "latin-1") == ["naïve", "y"]
        assert [row.values for row in rows(tmp_path / "t.csv", fallback="latin-1")] == [{"naïve": "José", "y": "é"}]
