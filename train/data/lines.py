"""Read the texts that a user gives: files with one text a line, words of the command line."""

from pathlib import Path

from train.errors import BadInput


def read_lines(path: Path, what: str) -> list[str]:
    """Return the lines of a UTF-8 text file, without blank ones. what: one a line, such as "caption". Raise BadInput if it has none."""
    if not path.is_file():
        raise BadInput(f"{path} is no file; give a text file with one {what} a line")
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8 text ({error}); save it as UTF-8, with one {what} a line") from error
    if not lines:
        raise BadInput(f"{path} has no text; give a text file with one {what} a line")
    return lines


def check_words(name: str, words: str) -> None:
    """Raise BadInput for words that are blank, or bytes that are no UTF-8, which Python gives as half surrogate pairs."""
    try:
        words.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"{name} {words!r} is no UTF-8 text") from error
    if not words.strip():
        raise BadInput(f"{name} is blank; give some words")
