"""Derive the columns of plan and books from the records, so that each field is defined once."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from operator import attrgetter
from typing import Any, TypeVar

import pyarrow as pa

Record = TypeVar("Record")
SCALARS: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bytes: pa.binary()}


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a record and the column that holds it: how a value gets there (`write`) and back (`read`), and whether it may be null."""

    field: str
    name: str
    type: pa.DataType
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    optional: bool


def columns(record: type) -> dict[str, pa.DataType]:
    """Return the columns of a record: name -> type. Records inside it become structs, tuples lists, enums strings.

    Raises:
        TypeError: a field has a type that no column holds.
    """
    kind: Any = record  # mypy does not take a type[Any] for hashable
    return {column.name: column.type for column in _columns(kind)}


def cells(record: Any) -> dict[str, Any]:
    """Return the values of a record by column."""
    kind: Any = type(record)
    return _writer(kind)(record)


def record_from(record: type[Record], row: Mapping[str, Any]) -> Record:
    """Return the record that a row was written from; other columns are ignored; a missing column gets the field's default.

    Raises:
        TypeError, ValueError: the row is not of this record.
    """
    kind: Any = record  # as above
    stored = [column for column in _columns(kind) if column.name in row]
    for column in stored:
        if row[column.name] is None and not column.optional:
            raise ValueError(f"{column.name} has no value")
    return record(**{column.field: column.read(row[column.name]) for column in stored})


def required(record: type) -> frozenset[str]:
    """Return the columns of a record that have a value in every row."""
    kind: Any = record  # as above
    return frozenset(column.name for column in _columns(kind) if not column.optional)


@cache
def _writer(record: Any) -> Callable[[Any], dict[str, Any]]:
    """Return `cells` for one record: it takes all values at once, and converts only those that are not stored as they are."""
    stored = _columns(record)
    names, converted = [column.name for column in stored], [(c.name, c.write) for c in stored if c.write is not _unchanged]
    if len(stored) < 2:  # attrgetter of one name returns no tuple
        return lambda given: {column.name: column.write(getattr(given, column.field)) for column in stored}
    values_of = attrgetter(*(column.field for column in stored))

    def write(given: Any) -> dict[str, Any]:
        row = dict(zip(names, values_of(given), strict=True))
        for name, convert in converted:
            row[name] = convert(row[name])
        return row

    return write


@cache
def _columns(record: Any) -> tuple[Column, ...]:
    hints = typing.get_type_hints(record)
    named = ((field.name, field.metadata.get("column", field.name)) for field in fields(record))
    return tuple(Column(field, name, *_stored_as(hints[field]), _may_be_none(hints[field])) for field, name in named if name)


def _stored_as(hint: Any) -> tuple[pa.DataType, Callable[[Any], Any], Callable[[Any], Any]]:
    """Return for a field's type: the type of its column, and the functions that write and read a value; both keep `None`."""
    hint = _without_none(hint)
    if hint in SCALARS:
        return SCALARS[hint], _unchanged, _unchanged
    if typing.get_origin(hint) is tuple:
        inner, write, read = _stored_as(typing.get_args(hint)[0])
        write_all = list if write is _unchanged else lambda values: list(map(write, values))
        return pa.list_(inner), write_all, lambda values: tuple(map(read, map(_given, values)))
    if is_dataclass(hint):
        kind = typing.cast(type, hint)
        return pa.struct(list(columns(kind).items())), _unless_none(_writer(kind)), _unless_none(partial(record_from, kind))
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return pa.string(), _unless_none(str), _unless_none(hint)
    raise TypeError(f"no column holds a {hint}")


def _unchanged(value: Any) -> Any:
    return value


def _given(value: Any) -> Any:
    if value is None:
        raise ValueError("an item of a list has no value")
    return value


def _unless_none(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else function(value)


def _may_be_none(hint: Any) -> bool:
    return hint is not _without_none(hint)


def _without_none(hint: Any) -> Any:
    """Return `X` for `X | None`, and any other hint as it is."""
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    return hint
