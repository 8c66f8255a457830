"""Check the path or address of an output folder before anything runs. It imports no slow module."""

from __future__ import annotations

import importlib.util
import re

PACKAGES = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"), "gs": ("gcsfs", "gcs"), "gcs": ("gcsfs", "gcs")}
"""Scheme of an object store -> the package that reads it, and the extra that installs it."""
DISK = frozenset({"file", "local"})
ALLOWED = "give a path, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER"


def checked_address(text: str) -> str:
    """Return the path or address of an output folder, its scheme in lower case.

    Raises:
        ValueError: no folder can be there, or its store needs a package that is not installed; the message says what to do.

    >>> checked_address("S3A://Bucket/Set") if importlib.util.find_spec("s3fs") else "s3a://Bucket/Set"
    's3a://Bucket/Set'
    """
    scheme, is_address, rest = text.partition("://")
    given, scheme = scheme, scheme.lower()
    if not is_address:
        if (near := re.match(r"(s3a?|gc?s):", text, re.IGNORECASE)) is not None:
            raise ValueError(f"{text!r}: an address has two slashes after {near[0]}; {ALLOWED}")
        return text
    if scheme in DISK:
        return f"{scheme}://{rest}"
    if scheme not in PACKAGES:
        raise ValueError(f"{text!r}: {given}:// is no store that a folder can be in; {ALLOWED}")
    if not rest or rest.startswith("/"):
        raise ValueError(f"{text!r} names no bucket; {ALLOWED}")
    package, extra = PACKAGES[scheme]
    if importlib.util.find_spec(package) is None:
        raise ValueError(f"{text!r} needs the package {package}, which is not installed: pip install 'laion-audio[{extra}]'")
    return f"{scheme}://{rest}"
