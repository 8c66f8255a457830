"""Read text files line by line in their own encoding. What cannot be decoded stays recognisable, and no line fills the memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

MAX_LINE = 4 << 20  # characters
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def lines_of(path: Path, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a text file with their line ends: in `encoding`, or UTF-8, or what a byte order mark at the beginning names.

    Bytes that are no text become lone surrogates, which `unreadable` finds. Of a line that is longer than `MAX_LINE`, only the
    first `MAX_LINE` + 1 characters are given.

    Raises:
        ValueError: the file is UTF-16 without a byte order mark, or ends inside of a character of UTF-16 or UTF-32.
    """
    encoding = encoding or _encoding(path)
    errors = "surrogateescape" if encoding.startswith("utf-8") else "surrogatepass"
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        try:
            while line := file.readline(MAX_LINE + 1):
                yield line
                while len(line) > MAX_LINE and not line.endswith(("\n", "\r")):
                    line = file.readline(MAX_LINE + 1)
        except UnicodeError as error:
            raise ValueError(f"{path}: not {encoding.upper()}, as its byte order mark says ({error}); save the table as UTF-8") from error


def is_utf_8(path: Path) -> bool:
    """Return whether a text file is UTF-8, or has a byte order mark."""
    with path.open("rb") as file:
        if file.read(4).startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS)):
            return True
    with path.open(encoding="utf-8", newline="") as file:
        try:
            while file.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return False
    return True


def unreadable(text: str) -> str:
    """Return why a text cannot be stored; empty when it can."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "not UTF-8: save the table as UTF-8"
    return "a NUL character" if "\0" in text else ""


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    zeros = max(head[::2].count(0), head[1::2].count(0))
    if zeros > len(head) / 4:  # every second byte of Latin letters
        raise ValueError(f"{path}: looks like UTF-16 without a byte order mark; save the table as UTF-8")
    return "utf-8"
