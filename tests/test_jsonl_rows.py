"""Every line of a jsonl table is a row with the number of its line, or a row with a fault."""

import pytest

from sources.metadata.jsonl_rows import rows
from sources.metadata.row import Row
from sources.metadata.text_lines import MAX_LINE


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b'{"url": "a", " n ": 1}', Row(2, {"url": "a", "n": 1})),
        (b"{}", Row(2, {})),
        (b"[1]", Row(2, {}, "a list, not an object")),
        (b"null", Row(2, {}, "a NoneType, not an object")),
        (b'{"a": 1, "a": 1}', Row(2, {}, "not JSON: a name stands twice in one object")),
        (b'{"n": {"a": 1, "a": 1}}', Row(2, {}, "not JSON: a name stands twice in one object")),
        (b'{"a": 1, " a": 2}', Row(2, {}, "two names differ only in blanks")),
        (b'{"a": "\xff"}', Row(2, {"a": "\udcff"}, "not UTF-8: save the table as UTF-8")),
        (b"{", Row(2, {}, "not JSON: Expecting property name enclosed in double quotes: line 2 column 1 (char 2)")),
        (b"  ", None),
    ],
)
def test_a_line_is_a_row_or_a_fault_of_one_row(tmp_path, line, row):
    (tmp_path / "a.jsonl").write_bytes(b'{"url": 1}\n' + line + b'\n{"url": 3}')
    assert list(rows(tmp_path / "a.jsonl")) == [Row(1, {"url": 1}), *([row] if row else []), Row(3, {"url": 3})]


def test_a_line_has_a_limit(tmp_path):
    fits = b'{"a": "' + b"x" * (MAX_LINE - 10) + b'"}'
    (tmp_path / "a.jsonl").write_bytes(fits + b"\n" + fits + b" \n")
    first, second = rows(tmp_path / "a.jsonl")
    assert (len(fits) + 1, first.fault, len(first.values["a"])) == (MAX_LINE, "", MAX_LINE - 10)
    assert second == Row(2, {}, "a line of more than 4194304 characters")
