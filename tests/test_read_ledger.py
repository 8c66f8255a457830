"""A ledger is read without changing it, whatever a killed process left of it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from tests.test_ledger import use
from transforms.fetching.limits.ledger import Ledger, read_ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger"


def test_a_file_that_is_missing_or_empty_is_read_as_no_ledger_and_not_made(path):
    assert read_ledger(path) is None and not path.exists()
    path.touch()
    assert read_ledger(path) is None
    sqlite3.connect(path).execute("PRAGMA user_version = 1").connection.close()
    assert read_ledger(path) is None
    use(Ledger(path))
    db = read_ledger(path)
    assert db.execute("SELECT host FROM requests").fetchall() == [("h",)]
    db.close()


def test_a_journal_of_a_killed_process_is_rolled_back_by_a_reader(path):
    use(Ledger(path))
    code = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('PRAGMA cache_size = 1'); db.execute('BEGIN IMMEDIATE')\n"
    code += "for n in range(3000): db.execute(\"INSERT INTO requests (host, owner) VALUES ('killed', 1)\")\n"
    code += "print('written', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, path], stdin=-1, stdout=-1) as process:
        assert process.stdout.readline() == b"written\n"
        process.kill()
    db = read_ledger(path)
    assert db.execute("SELECT host FROM requests").fetchall() == [("h",)]
    db.close()
