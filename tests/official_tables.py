"""What tests of the published sets share: write official files, and read a source with its checks."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from pipeline.records import Clip, Rejection


def written(folder: Path, **files: str | bytes) -> Path:
    """Write files; `__` in a keyword stands for a dot. Return the folder."""
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def options_of(name: str, folder: Path, **keys: Any) -> Any:
    """Return the options of a source whose files lie in the recipe's folder."""
    return importlib.import_module(f"sources.{name}").Options(**{"source": name, "base": folder, "path": "."} | keys)


def outcomes_of(name: str, folder: Path, **keys: Any) -> tuple[list[Clip], list[Rejection]]:
    """Return the clips and rejections of a source, after its check."""
    module, options = importlib.import_module(f"sources.{name}"), options_of(name, folder, **keys)
    module.check(options)
    outcomes = list(module.read(options))
    assert module.fingerprint(options) == module.fingerprint(options)
    return [row for row in outcomes if isinstance(row, Clip)], [row for row in outcomes if isinstance(row, Rejection)]
