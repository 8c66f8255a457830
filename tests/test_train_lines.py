"""Texts that a user gives, in files and on the command line."""

import pytest

from train.data.lines import check_words, read_lines
from train.errors import BadInput


def test_blank_lines_and_the_mark_of_utf8_are_left_out(tmp_path):
    (tmp_path / "lines.txt").write_text("\ufeffa hum\n\n a hiss \n", encoding="utf-8")
    assert read_lines(tmp_path / "lines.txt", "caption") == ["a hum", "a hiss"]


@pytest.mark.parametrize(("content", "message"), [(None, "is no file"), (b"\n", "has no text"), (b"caf\xe9\n", r"is no UTF-8 text .*0xe9")])
def test_a_file_without_text_is_bad_input(tmp_path, content, message):
    if content is not None:
        (tmp_path / "lines.txt").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_lines(tmp_path / "lines.txt", "caption")


@pytest.mark.parametrize(("words", "message"), [(" ", "WORDS is blank"), ("\udcff", "is no UTF-8 text")])
def test_words_that_are_no_text_are_bad_input(words, message):
    check_words("WORDS", "a dog")
    with pytest.raises(BadInput, match=message):
        check_words("WORDS", words)
