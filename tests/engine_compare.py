"""Compare two output folders byte for byte, and name every difference."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.parquet as pq

from pipeline.output.layout import BUILD, EVIDENCE, MARKER

Files = Mapping[str, bytes]
N_PARTS = 3
"""How many parts of a file are shown that differ."""
MEASURED = "build_seconds"
"""The only key of a marker that may differ: how long the shard took."""


def differences(reference: Files, other: Files) -> list[str]:
    """Return a line for every file that differs, with what differs in it; none where the folders are equal.

    Tars, parquet files, sizes.json, the plan, the recipe and the README must be equal byte for byte, and markers in all but the time
    that a shard took. Of `build.json`, which records the engine, and of evidence, which has the times of downloads, only that they exist
    is compared. Files whose names begin with a dot belong to one machine.
    """
    expected, actual = _published(reference), _published(other)
    lines = [f"{name}: missing" for name in sorted(expected.keys() - actual.keys())]
    lines += [f"{name}: not in the reference" for name in sorted(actual.keys() - expected.keys())]
    for name in sorted(expected.keys() & actual.keys()):
        if _identity(name, expected[name]) != _identity(name, actual[name]):
            parts = list(_parts(name, expected[name], actual[name]))
            more = f" and {len(parts) - N_PARTS} more" if len(parts) > N_PARTS else ""
            lines.append(f"{name}: {'; '.join(parts[:N_PARTS]) or 'other bytes of the same content'}{more}")
    return lines


def _published(files: Files) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not any(part.startswith(".") for part in name.split("/"))}


def _identity(name: str, content: bytes) -> str:
    """Return what must be equal of a file."""
    if name == BUILD or name.endswith(EVIDENCE):
        return "exists"
    if name.endswith(MARKER):
        return json.dumps({key: value for key, value in json.loads(content).items() if key != MEASURED})
    return hashlib.sha256(content).hexdigest()


def _parts(name: str, expected: bytes, actual: bytes) -> Iterator[str]:
    """Yield what differs in a file: members of a tar, columns of a parquet file, keys of a JSON file."""
    left, right = _content(name, expected), _content(name, actual)
    for key in sorted(left.keys() | right.keys()):
        if left.get(key) != right.get(key):
            yield f"{key} {_first_difference(left.get(key), right.get(key))}"


def _content(name: str, content: bytes) -> dict[str, Any]:
    if name.endswith(".tar"):
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    if name.endswith(".parquet"):
        return dict(pq.read_table(io.BytesIO(content)).to_pydict())
    if name.endswith(".json"):
        return dict(json.loads(content))
    return {"text": content.decode(errors="replace").splitlines()}


def _first_difference(expected: Any, actual: Any) -> str:
    """Return the first values that differ, cut to a readable length."""
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"has {len(actual)} values, not {len(expected)}"
        row, (expected, actual) = next((n, pair) for n, pair in enumerate(zip(expected, actual, strict=True)) if pair[0] != pair[1])
        return f"row {row}: {_shown(actual)}, not {_shown(expected)}"
    return f"{_shown(actual)}, not {_shown(expected)}"


def _shown(value: Any) -> str:
    """Return a value as a short text; of sound only its length."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return f"{len(value)} bytes"
    return repr(value)[:80]
