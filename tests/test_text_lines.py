"""Lines keep their ends and are read in the encoding of the file; a long line is cut and never fills the memory."""

import pytest

from sources.metadata.text_lines import MAX_LINE, is_utf_8, lines_of, unreadable


def lines(folder, data: bytes) -> list[str]:
    (folder / "a.txt").write_bytes(data)
    return list(lines_of(folder / "a.txt"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_at_the_beginning_names_the_encoding(tmp_path, encoding):
    assert lines(tmp_path, "é,雨\r\nb\rc".encode(encoding)) == ["é,雨\r\n", "b\r", "c"]


@pytest.mark.parametrize("order", ["be", "le"])
@pytest.mark.parametrize("width", [16, 32])
def test_both_orders_of_bytes_are_read(tmp_path, width, order):
    assert lines(tmp_path, "\ufeffab\n雨".encode(f"utf-{width}-{order}")) == ["ab\n", "雨"]


def test_bytes_that_are_no_text_are_lone_surrogates(tmp_path):
    assert lines(tmp_path, b"\xef\xbb\xbfa\xff\nb") == ["a\udcff\n", "b"]
    assert lines(tmp_path, b"a\xfe\n") == ["a\udcfe\n"]
    assert lines(tmp_path, b"\xff\xfe\x00\xd8a\x00") == ["\ud800a"]


@pytest.mark.parametrize("data", [b"\xff\xfea\x00b", b"\xff\xfe\x00\x00a\x00\x00\x00b"])
def test_a_file_that_ends_inside_of_a_character_is_an_error(tmp_path, data):
    with pytest.raises(ValueError, match=r"a\.txt: not UTF-(16|32), as its byte order mark says"):
        lines(tmp_path, data)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_an_error(tmp_path, encoding):
    with pytest.raises(ValueError, match="looks like UTF-16 without a byte order mark; save the table as UTF-8"):
        lines(tmp_path, "url\n".encode(encoding))


def test_some_zeros_are_no_utf_16(tmp_path):
    assert lines(tmp_path, b"\0bcd") == ["\0bcd"]  # a quarter of the bytes
    assert lines(tmp_path, b"\0\0abcdef") == ["\0\0abcdef"]
    assert lines(tmp_path, b"x" * 4096 + b"\0" * 5000) == ["x" * 4096 + "\0" * 5000]
    with pytest.raises(ValueError, match="looks like UTF-16"):
        lines(tmp_path, b"\0b\0de")


def test_of_a_long_line_only_the_beginning_is_given(tmp_path):
    fits, too_long = b"x" * (MAX_LINE - 1) + b"\n", b"y" * (3 * MAX_LINE) + b"\n"
    assert [len(line) for line in lines(tmp_path, fits + too_long + b"z" * MAX_LINE + b"\n" + b"w")] == [
        MAX_LINE,
        MAX_LINE + 1,
        MAX_LINE + 1,
        1,
    ]
    assert [line[:1] for line in lines(tmp_path, b"y" * (MAX_LINE + 2) + b"\rb")] == ["y", "b"]
    assert MAX_LINE == 4_194_304


@pytest.mark.parametrize(
    ("text", "why"),
    [("é\n", ""), ("", ""), ("a\0", "a NUL character"), ("é\0", "a NUL character"), ("\udcff\0", "not UTF-8: save the table as UTF-8")],
)
def test_a_text_that_cannot_be_stored_has_a_reason(text, why):
    assert unreadable(text) == why


def test_a_file_is_utf_8_when_all_of_it_is(tmp_path):
    path = tmp_path / "a.txt"
    for content, expected in ((b"", True), ("é".encode(), True), ("é".encode("utf-16"), True), (b"a" * (2 << 20) + b"\xe9", False)):
        path.write_bytes(content)
        assert is_utf_8(path) is expected
    assert "".join(lines_of(path, "latin-1")).endswith("aé")
