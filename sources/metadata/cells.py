"""Convert cells of tables to texts, ids, labels and paths; `times` and `numbers` do the rest. All sources use these functions.

A cell is a value of Python, as `rows` gives it. It becomes the right value, nothing (a missing value), or the row is rejected.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from augment.class_names import CLASS_NAMES, MAX_COMMAS
from pipeline.records import Reason, Rejected
from sources.metadata.list_texts import listed
from sources.metadata.numbers import number_text

MAX_TEXT = 1 << 20  # characters of a cell
MAX_ITEMS = 10_000  # of a list
NAN = frozenset({"nan", "NaN", "-nan", "-NaN", "NaT", "<NA>"})
"""Missing values that only programs write; they are neither ids nor paths."""
MISSING = NAN | {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "N/A", "NA", "NULL", "None", "n/a", "null"}
"""Texts that stand for a missing value: those of `pandas.read_csv`, and NaT."""

_BRACKETS = frozenset({"[", "(", "{"})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that has no value that a clip could use; `why` says what it holds instead."""

    why: str


def text_of(cell: Any, column: str) -> str:
    """Return the text of a cell without blanks around it; empty for a missing value.

    Integers and floats without a fraction are written with all their digits (101.0 is "101"), bytes are UTF-8.

    Raises:
        Rejected: `bad_row`, when the cell holds anything else, such as a list, a date or a truth value.

    >>> text_of(" Rain ", "title"), text_of(101.0, "id"), text_of(float("nan"), "title"), text_of("NA", "title")
    ('Rain', '101', '', '')
    """
    text = _text(cell, column).strip()
    return "" if text in MISSING else text


def name_of(cell: Any, column: str) -> str:
    """Return the text of a cell as `text_of`, for ids and paths: of the texts in `MISSING`, "NA", "null" and "None" are names.

    Raises:
        Rejected: as `text_of`.

    >>> name_of("NA", "id"), name_of("nan", "id"), name_of("007", "id")
    ('NA', '', '007')
    """
    text = _text(cell, column).strip()
    return "" if text in NAN else text


def split_texts(cell: Any, column: str = "text") -> list[str]:
    """Return the texts of a cell that holds one text or a list of texts; leave out missing values.

    A list may also be written as text, by JSON or Python.

    Raises:
        Rejected: as `text_of`, or the text looks like a list and is none.

    >>> split_texts(["Rain", None, " "]), split_texts("Rain"), split_texts("['Rain', 'Wind']")
    (['Rain'], ['Rain'], ['Rain', 'Wind'])
    """
    items = _items(_text(cell, column) if isinstance(cell, bytes) else cell, column)
    _check_number(items, column)
    texts = (_text(item, column) for item in items)
    return [text for text in texts if (stripped := text.strip()) and stripped not in MISSING]


def split_labels(cell: Any, column: str = "labels", separator: str | None = None) -> list[str]:
    """Return the labels of a cell: a list, or a text split at `separator`; by default at `;`, else at `|`, else at commas.

    Without a separator, names of classes of AudioSet, FSD50K and VGGSound are not split at their commas.

    Raises:
        Rejected: as `split_texts`.

    >>> split_labels("Gunshot, gunfire;Speech"), split_labels("dog,bark"), split_labels("male speech, man speaking, dog")
    (['Gunshot, gunfire', 'Speech'], ['dog', 'bark'], ['male speech, man speaking', 'dog'])
    """
    if not isinstance(cell, str | bytes):
        return [text.strip() for text in split_texts(cell, column)]
    text = _text(cell, column)
    items = _items(text, column)
    if items != [text]:
        return [text.strip() for text in split_texts(items, column)]
    pieces = _split(text, separator)
    _check_number(pieces, column)
    return [label for piece in pieces if (label := piece.strip()) and label not in MISSING]


def _split(text: str, separator: str | None) -> list[str]:
    separator = separator or next((sign for sign in ";|" if sign in text), None)
    if separator:
        return text.split(separator)
    pieces, labels, first = [piece.strip() for piece in text.split(",")], [], 0
    while first < len(pieces):
        joined = ((n, ", ".join(pieces[first : first + n])) for n in range(MAX_COMMAS + 1, 1, -1))
        n, label = next(((n, name) for n, name in joined if name.casefold() in CLASS_NAMES), (1, pieces[first]))
        labels.append(label)
        first += n
    return labels


def _check_number(items: list[Any], column: str) -> None:
    if len(items) > MAX_ITEMS:
        raise Rejected(Reason.BAD_ROW, f"{column} holds {len(items)} texts, at most {MAX_ITEMS} are read")


def _items(cell: Any, column: str) -> list[Any]:
    """Return the items of a list, also of one that is written as text; of any other cell the cell itself."""
    if isinstance(cell, list | tuple):
        return [item for inner in cell for item in (_items(inner, column) if isinstance(inner, str) else [inner])]
    if isinstance(cell, str) and (cell.lstrip()[:1] in _BRACKETS or cell.startswith("array(")):
        try:
            items = listed(cell)
        except ValueError as error:
            raise Rejected(Reason.BAD_ROW, f"{column}: {error}") from error
        return [cell] if items is None else items
    return [cell]


def _text(cell: Any, column: str) -> str:
    """Return a cell as text, blanks included; empty for NaN and for no value."""
    if isinstance(cell, str):
        return cell if len(cell) < MAX_TEXT and cell.isascii() and "\0" not in cell else _stored(cell, column)
    if cell is None:
        return ""
    if isinstance(cell, bytes):
        try:
            return _stored(cell.decode(), column)
        except UnicodeDecodeError as error:
            raise Rejected(Reason.BAD_ROW, f"{column} holds bytes that are not UTF-8") from error
    if isinstance(cell, bool):
        raise Rejected(Reason.BAD_ROW, f"{column} is the truth value {str(cell).lower()}, and a text is needed")
    if isinstance(cell, int | UUID):
        return str(cell)
    if isinstance(cell, float | Decimal):
        return number_text(cell, column)
    if isinstance(cell, list | tuple) and len(cell) == 1:
        return _text(cell[0], column)
    _refuse(cell, column)


def _stored(text: str, column: str) -> str:
    """Return a text that plan and samples can store."""
    if len(text) > MAX_TEXT:
        raise Rejected(Reason.BAD_ROW, f"{column} has {len(text)} characters, at most {MAX_TEXT} are read")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Rejected(Reason.BAD_ROW, f"{column} holds half a surrogate pair, which is no text") from error
    if "\0" in text:
        raise Rejected(Reason.BAD_ROW, f"{column} holds a NUL character")
    return text


def _refuse(cell: Any, column: str) -> NoReturn:
    kinds = {dict: "a record", list: "a list", tuple: "a list", datetime.time: "a time of day", datetime.timedelta: "a duration"}
    what = cell.why if isinstance(cell, Unreadable) else kinds.get(type(cell), "a value that is no text")
    raise Rejected(Reason.BAD_ROW, f"{column} holds {what}, and a text is needed")
