"""Explain what is wrong with the file of a ledger: SQLite's errors become errors that name the file and what to do."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pipeline.output.damage import DamagedFileError

MAX_WAIT = 60.0  # seconds for another process to end its transaction; ours take a fraction of a millisecond
NUMBERS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_AUTH: errno.EACCES,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_LOCKED: errno.EBUSY,
}
"""Result codes of SQLite -> numbers of errors of the system; of every other failure to read or write it is `EIO`."""
FORGET = "remove it to begin a new one, after a day without requests to hosts with limits: those made so far would be forgotten"


@contextlib.contextmanager
def explained(path: Path | None) -> Iterator[None]:
    """Turn SQLite's errors into our own.

    Raises:
        DamagedFileError: the file is not a ledger.
        OSError: the file cannot be opened, written or locked.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:  # a table or column that is missing
            raise _damaged(path, error) from error
        number = NUMBERS.get(code, errno.EIO)
        busy = f"another program has kept it locked for {MAX_WAIT:.0f} s" if number == errno.EBUSY else str(error)
        raise OSError(number, f"the requests made to hosts cannot be recorded: {busy}", str(path)) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path | None, error: Exception) -> DamagedFileError:
    return DamagedFileError(path.name if path else "requests", f"not a record of requests ({error}); {FORGET}")
