"""Errors of SQLite become errors that name the file, with a number of the system or as damage."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from pipeline.output.damage import DamagedFileError
from transforms.fetching.limits.ledger_faults import MAX_WAIT, explained

PATH = Path("/out/.budgets.sqlite")


def fault(kind: type[sqlite3.Error], code: int) -> sqlite3.Error:
    error = kind("as SQLite says")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (sqlite3.SQLITE_FULL, errno.ENOSPC),
        (sqlite3.SQLITE_READONLY_DBMOVED, errno.EROFS),
        (sqlite3.SQLITE_CANTOPEN, errno.EACCES),
        (sqlite3.SQLITE_PERM, errno.EACCES),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, errno.EBUSY),
        (sqlite3.SQLITE_LOCKED, errno.EBUSY),
        (sqlite3.SQLITE_IOERR_WRITE, errno.EIO),
    ],
)
def test_what_the_system_refuses_is_an_error_of_the_system(code, number):
    with (
        pytest.raises(OSError, match=r"the requests made to hosts cannot be recorded: .*/out/\.budgets\.sqlite") as caught,
        explained(PATH),
    ):
        raise fault(sqlite3.OperationalError, code)
    assert caught.value.errno == number
    assert ("has kept it locked for 60 s" if number == errno.EBUSY else "as SQLite says") in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (sqlite3.OperationalError, sqlite3.SQLITE_ERROR),
        (sqlite3.DatabaseError, sqlite3.SQLITE_NOTADB),
        (sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT),
        (sqlite3.OperationalError, sqlite3.SQLITE_CORRUPT_INDEX),
    ],
)
def test_a_file_that_is_no_ledger_is_damaged(kind, code):
    with pytest.raises(DamagedFileError, match=r"^\.budgets\.sqlite: damaged: .*as SQLite says.*remove it") as caught, explained(PATH):
        raise fault(kind, code)
    assert caught.value.name == PATH.name


def test_other_errors_pass():
    with pytest.raises(KeyError), explained(None):
        raise KeyError
    assert MAX_WAIT == 60
