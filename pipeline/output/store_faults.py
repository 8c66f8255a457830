"""Open the file systems of object stores, and turn their errors into errors of the operating system, which every command explains."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from typing import Any

from pipeline.output.folder_address import PACKAGES

FAULTS_OF_STORES = (
    *(("botocore.exceptions", "BotoCoreError"), ("botocore.exceptions", "ClientError"), ("aiohttp", "ClientError")),
    *(("google.auth.exceptions", "GoogleAuthError"), ("gcsfs.retry", "HttpError")),
)
"""(module, class) of errors of object stores that are no OSError."""
NO_KEYS = frozenset({"NoCredentialsError", "DefaultCredentialsError"})
"""Names of the errors that say that a machine has no keys of a store."""


class NoBucketError(FileNotFoundError):
    """Something would be written into a bucket that does not exist."""


class NoKeysError(PermissionError):
    """This machine has no keys of a store, or they do not allow what is asked."""


def file_system(address: str, **options: Any) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it. Its listings are not kept: they may change while a build runs.

    Args:
        options: of its package.

    Raises:
        ImportError: its package is not installed; the message says how to install it.
    """
    import fsspec  # slow to import, and most builds need no object store

    try:
        files, path = fsspec.core.url_to_fs(address, use_listings_cache=False, **options)
    except ImportError as error:
        _, extra = PACKAGES.get(address.partition("://")[0].lower(), PACKAGES["s3"])
        raise ImportError(f"needs a package that is not installed: pip install 'laion-audio[{extra}]'") from error
    return files, path


def faults_of_stores() -> tuple[type[Exception], ...]:
    """Return the classes of `FAULTS_OF_STORES`. A module that is not loaded has raised none."""
    named = (getattr(sys.modules[module], name, None) for module, name in FAULTS_OF_STORES if module in sys.modules)
    return tuple(fault for fault in named if fault is not None)


@contextlib.contextmanager
def faults_as_os_errors(address: str) -> Iterator[None]:
    """Name the address in every error of a request to a store.

    Raises:
        FileNotFoundError: no such object or bucket.
        NoKeysError: the keys do not allow it, or there are none.
        OSError: any other failure of the store or of its client.
    """
    faults: tuple[type[Exception], ...] = (OSError, *faults_of_stores())
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, str(error)[:300] or "no such object", address) from error
    except faults as error:
        what = f"{type(error).__name__}: {str(error)[:300]}"
        if isinstance(error, PermissionError) or type(error).__name__ in NO_KEYS:
            raise NoKeysError(errno.EACCES, what, address) from error
        raise OSError(f"{address}: {what}") from error
