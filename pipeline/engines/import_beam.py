"""Import Beam without the packages that no step of a local pipeline uses."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder

OPTIONAL = ("apache_beam.io.gcp.bigquery", "boto3", "bson", "google.cloud.storage", "pandas", "pymongo")
"""Modules that Beam 2.77 imports where they are installed, and does without where they are not: for BigQuery, its data frames, its file
systems of object stores (ours are those of fsspec) and MongoDB. They are two thirds of the time that its import takes. pyarrow looks once
for pandas, when it makes its first array."""


def import_beam() -> None:
    """Import Beam and its local engine; does nothing when Beam is imported already.

    Other threads, later imports of the packages, and other processes find them as always: worker processes import Beam themselves. Only
    pyarrow makes no data frames in this process.
    """
    if "apache_beam" not in sys.modules:
        with _without(OPTIONAL), _quiet("apache_beam"):
            import apache_beam
            import apache_beam.runners.portability.fn_api_runner  # noqa: F401
            import pyarrow

            pyarrow.array([0])


@contextlib.contextmanager
def _without(packages: Sequence[str]) -> Iterator[None]:
    """Let imports by this thread not find some packages. Those that are imported already stay as they are."""
    finder = _NotInstalled(packages)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Let a logger and those below it give errors only: Beam warns of packages that it does not find."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


class _NotInstalled(MetaPathFinder):
    """Finds no module, and ends the search for some packages in one thread."""

    def __init__(self, packages: Sequence[str]):
        self._packages = frozenset(packages)
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Raise ModuleNotFoundError for the packages; return None for others, for the finders after this one."""
        if name in self._packages and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is not imported with Beam", name=name)
