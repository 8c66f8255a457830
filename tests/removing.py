"""Search an output folder for what was removed: in every byte of every file, and in every value of every parquet file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.output.storage import Folder
from pipeline.verbs.removal_request import RemovalRequest
from pipeline.verbs.remove import RemoveOutcome, remove

NOW = 1_700_000_000.0


def removed(output: Path | str, *ids: str, **others: list[str]) -> RemoveOutcome:
    """Remove clips of a folder, at a time that is always the same."""
    values = {name: others.get(name, []) for name in ("creators", "sources", "urls", "recordings")}
    return remove(RemovalRequest.of(list(ids), **values), Folder(str(output)), "they asked", NOW)


def files_of(output: Path) -> dict[str, bytes]:
    """Return every file of a folder, hidden ones too."""
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file()}


def files_with(words: Mapping[str, bytes], files: Mapping[str, bytes]) -> list[str]:
    """Return which files hold which of some bytes, as "file: word"."""
    matched = []
    for name, data in files.items():
        texts = list(_values(pq.ParquetFile(io.BytesIO(data)))) if data[:4] == b"PAR1" else []
        matched += [f"{name}: {word}" for word, wanted in words.items() if any(wanted in text for text in (data, *texts))]
    return matched


def _values(file: pq.ParquetFile) -> Iterator[bytes]:
    yield repr(file.metadata.metadata).encode()
    for row in file.read().to_pylist():
        yield from _texts(row)


def _texts(value: Any) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode()
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(each)
