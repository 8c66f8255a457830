"""Files are written completely or not at all."""

import os
import stat

import pytest

from train.loop.atomic import atomic_write


def test_a_file_appears_when_it_is_complete_and_nothing_else_stays(tmp_path):
    path = tmp_path / "new" / "a.bin"
    with atomic_write(path) as file:
        file.write(b"half")
        assert not path.exists()
        assert all(entry.name.startswith(".") for entry in path.parent.iterdir())  # listings of the folder leave it out
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.bin"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "a.bin") as file:
        file.write(b"new")
        raise RuntimeError
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_of_two_writers_the_last_to_finish_wins(tmp_path):
    with atomic_write(tmp_path / "a.bin") as first:
        first.write(b"first")
        with atomic_write(tmp_path / "a.bin") as second:
            second.write(b"second")
        assert (tmp_path / "a.bin").read_bytes() == b"second"
    assert (tmp_path / "a.bin").read_bytes() == b"first"


def test_the_content_is_on_the_disk_before_the_file_is_renamed(tmp_path, monkeypatch):
    flushed: list[tuple[int, bool]] = []

    def fsync(number: int) -> None:
        status = os.fstat(number)
        assert stat.S_ISREG(status.st_mode)
        flushed.append((status.st_size, (tmp_path / "a.bin").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"12345")
    assert flushed == [(5, False)]
