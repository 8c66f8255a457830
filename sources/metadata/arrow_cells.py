"""Convert arrays of Arrow to cells: the values of Python that `cells` knows, or `Unreadable` for what a clip cannot use."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as is_type

from sources.metadata.cells import MAX_ITEMS, MAX_TEXT, Unreadable
from sources.metadata.numbers import Float16, Float32

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def cells_of(array: pa.Array) -> list[Any]:
    """Return the values of an array: text, bytes, numbers, truth values, durations, times of day, lists of these, and `None`.

    Raises:
        ValueError: the array is damaged.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(array)
    if is_type.is_dictionary(kind):
        return _dictionary(array)
    if is_type.is_null(kind):
        return [None] * len(array)
    if _is_list(kind):
        return _lists(array)
    if _is_bytes(kind):
        return _texts(array)
    if is_type.is_float16(kind) or is_type.is_float32(kind):
        number = Float16 if is_type.is_float16(kind) else Float32
        return [None if value is None else number(value) for value in array.to_pylist()]
    if is_type.is_integer(kind) or is_type.is_floating(kind) or is_type.is_boolean(kind) or is_type.is_decimal(kind):
        return array.to_pylist()
    if is_type.is_duration(kind):
        return [None if count is None else _duration(count, kind.unit) for count in pc.cast(array, pa.int64()).to_pylist()]
    if is_type.is_time(kind):
        return _one_by_one(pc.cast(pc.cast(array, pa.time64("ns")), pa.time64("us"), safe=False))
    what = "a record" if is_type.is_struct(kind) else "a map" if is_type.is_map(kind) else f"a value of type {str(kind)[:80]}"
    return [None if missing else Unreadable(what) for missing in array.is_null().to_pylist()]


def _is_bytes(kind: pa.DataType) -> bool:
    texts = is_type.is_string, is_type.is_large_string, is_type.is_string_view
    binary = is_type.is_binary, is_type.is_large_binary, is_type.is_binary_view, is_type.is_fixed_size_binary
    return any(test(kind) for test in (*texts, *binary))


def _is_list(kind: pa.DataType) -> bool:
    tests = (is_type.is_list, is_type.is_large_list, is_type.is_fixed_size_list, is_type.is_list_view, is_type.is_large_list_view)
    return any(test(kind) for test in tests)


def _extension(array: pa.ExtensionArray) -> list[Any]:
    """Return UUIDs, and what JSON holds; no other extension type has a meaning here."""
    name, cells = array.type.extension_name, cells_of(array.storage)
    if name == "arrow.uuid":
        return [UUID(bytes=cell) if isinstance(cell, bytes) else cell for cell in cells]
    if name == "arrow.json":
        return [_parsed(cell) if isinstance(cell, str) else cell for cell in cells]
    return [None if cell is None else Unreadable(f"a value of type {str(name)[:80]}") for cell in cells]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Unreadable("JSON that cannot be read")


def _dictionary(array: pa.DictionaryArray) -> list[Any]:
    """Return values by the dictionary; each value is converted once, however many rows repeat it.

    Raises:
        ValueError: an index is not in the dictionary, and so other values may be wrong too.
    """
    bounds = pc.min_max(array.indices).as_py()
    if bounds["max"] is not None and not 0 <= bounds["min"] <= bounds["max"] < len(array.dictionary):
        raise ValueError("a value that its dictionary does not have")  # a damaged page
    indices = array.indices.to_pylist()
    if len(array.dictionary) <= len(array):
        values = cells_of(array.dictionary)
        return [None if index is None else values[index] for index in indices]
    used = sorted({index for index in indices if index is not None})
    value_of = dict(zip(used, cells_of(array.dictionary.take(pa.array(used, pa.int64()))), strict=True))
    return [None if index is None else value_of[index] for index in indices]


def _lists(array: pa.Array) -> list[Any]:
    """Return lists; a list of more than `MAX_ITEMS` items is not converted."""
    lengths = pc.list_value_length(array).to_pylist()
    short = [number for number, length in enumerate(lengths) if length is not None and length <= MAX_ITEMS]
    items = iter(cells_of(array.take(pa.array(short, pa.int64())).flatten()))
    too_long = Unreadable(f"a list of more than {MAX_ITEMS} items")
    return [None if length is None else too_long if length > MAX_ITEMS else [next(items) for _ in range(length)] for length in lengths]


def _texts(array: pa.Array) -> list[Any]:
    """Return texts and bytes; a text of more than `MAX_TEXT` bytes is not converted."""
    if is_type.is_string_view(array.type) or is_type.is_binary_view(array.type):
        array = pc.cast(array, pa.large_string() if is_type.is_string_view(array.type) else pa.large_binary())
    longest = pc.max(pc.binary_length(array)).as_py() if len(array) else None
    if longest is None or longest <= MAX_TEXT:
        return _one_by_one(array)
    return [
        Unreadable(f"a text of {length} bytes, at most {MAX_TEXT} are read") if (length or 0) > MAX_TEXT else _cell(array[number].as_py)
        for number, length in enumerate(pc.binary_length(array).to_pylist())
    ]


def _duration(count: int, unit: str) -> timedelta | Unreadable:
    try:
        return timedelta(microseconds=count * 10**6 // PER_SECOND[unit])
    except OverflowError:
        return Unreadable("a duration of more than a million years")


def _one_by_one(array: pa.Array) -> list[Any]:
    """Return the values at once; when one of them cannot be converted, each by itself."""
    try:
        return array.to_pylist()
    except (ValueError, OverflowError):
        return [_cell(scalar.as_py) for scalar in array]


def _cell(value: Callable[[], Any]) -> Any:
    try:
        return value()
    except UnicodeDecodeError:
        return Unreadable("text that is not UTF-8")
    except (ValueError, OverflowError):
        return Unreadable("a value that is out of range")
