"""A process is known to run as long as it holds its byte of a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.machine.process_locks import open_process_locks

HOLD = "import sys; from pathlib import Path; from pipeline.machine.process_locks import open_process_locks as o"
HOLD += "; o(Path(sys.argv[1])).take(int(sys.argv[2])); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "locks"), "3"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_byte_is_taken_until_its_process_is_killed(holder, tmp_path):
    locks = open_process_locks(tmp_path / "locks")
    assert [locks.is_taken(number) for number in (2, 3, 4)] == [False, True, False]
    with pytest.raises(OSError):
        locks.take(3)
    holder.kill()
    holder.wait()
    assert not locks.is_taken(3)
    locks.take(3)


def test_a_process_opens_the_file_once_and_again_after_it_was_removed(tmp_path):
    first = open_process_locks(tmp_path / "locks")
    assert open_process_locks(tmp_path / "x" / ".." / "locks") is first
    (tmp_path / "locks").unlink()
    assert open_process_locks(tmp_path / "locks").descriptor != first.descriptor


def test_a_folder_without_permission_is_an_error_of_the_system(tmp_path):
    with pytest.raises(NotADirectoryError):
        (tmp_path / "file").touch()
        open_process_locks(tmp_path / "file" / "locks")
