"""Read the versions that decide the bytes of shards, on the worker that makes them, and compare them with those of the build."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

CONVERSION = 4
"""Raised when a change to decoding, resampling, encoding or packing changes bytes: shards of a lower number are made again."""
PACKAGES = ("av", "numpy", "pyarrow", "soundfile", "soxr")
VERSIONS = ("laion-audio", "conversion", *PACKAGES)
"""What markers record versions of."""

WorkerVersions = Literal["equal", "any"]
"""Whether a worker whose versions differ from those of the build is refused, or its shards say so in their markers."""


class OtherVersionsError(RuntimeError):
    """A worker has other versions than the build; the message names both."""


@functools.cache
def installed_versions() -> Mapping[str, str]:
    """Return the versions that this process has; "unknown" for a package that is not installed. A process never changes them."""
    packages = {name: version_of(name) for name in PACKAGES}
    return MappingProxyType({"laion-audio": version_of("laion-audio"), "conversion": str(CONVERSION)} | packages)


def versions_of_worker(expected: Mapping[str, str], allowed: WorkerVersions) -> dict[str, str]:
    """Return the versions of this worker.

    Args:
        expected: those of the process that started the build.
        allowed: with "equal" others are refused.

    Raises:
        OtherVersionsError: they differ, and may not.
    """
    versions = dict(installed_versions())
    if allowed == "equal" and (names := differing(versions, expected)):
        here = ", ".join(f"{name} {versions.get(name, 'none')}" for name in names)
        there = ", ".join(f"{name} {expected.get(name, 'none')}" for name in names)
        raise OtherVersionsError(f"a worker has {here}, the process that started the build has {there}")
    return versions


def differing(versions: Mapping[str, str], others: Mapping[str, str]) -> list[str]:
    """Return the names whose versions differ, in order.

    >>> differing({"av": "1", "soxr": "2"}, {"av": "2", "soxr": "2", "numpy": "3"})
    ['av', 'numpy']
    """
    return [name for name in dict.fromkeys((*versions, *others)) if versions.get(name) != others.get(name)]


def version_of(package: str) -> str:
    """Return the version of an installed package, "unknown" where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
