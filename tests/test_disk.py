"""Files on a disk are listed, linked, moved and locked; a link that leads back or nowhere stops nothing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.output.disk import FileState, FolderInUseError, flush, link_or_copy, local_files, locked, move


def put(path: Path, data: bytes = b"abc") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_files_are_listed_with_size_time_and_inode(tmp_path: Path) -> None:
    stat = put(tmp_path / "a").stat()
    put(tmp_path / "b" / "c" / "d", b"")
    (tmp_path / "empty").mkdir()
    listed = dict(local_files(tmp_path))
    assert listed["a"] == FileState(3, f"{stat.st_mtime_ns} {stat.st_ino}")
    assert {name: state.size for name, state in listed.items()} == {"a": 3, "b/c/d": 0}


def test_a_missing_folder_and_a_file_have_no_files(tmp_path: Path) -> None:
    assert list(local_files(tmp_path / "none")) == list(local_files(put(tmp_path / "a"))) == []


def test_links_to_folders_are_followed_once_and_links_to_nothing_never(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a")
    put(tmp_path / "far" / "b")
    for name, target in (("back", tmp_path / "in"), ("far", tmp_path / "far"), ("self", tmp_path / "in" / "self"), ("gone", Path("none"))):
        (tmp_path / "in" / name).symlink_to(target)
    os.mkfifo(tmp_path / "in" / "pipe")
    assert sorted(name for name, _ in local_files(tmp_path / "in")) == ["a", "far/b"]
    (tmp_path / "in" / "twice").symlink_to(tmp_path / "far")
    assert len(list(local_files(tmp_path / "in"))) == 2


def test_a_second_name_is_a_link_or_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link_or_copy(put(tmp_path / "a"), tmp_path / "x" / "y" / "b")
    assert (tmp_path / "a").samefile(tmp_path / "x" / "y" / "b")

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(tmp_path / "a", tmp_path / "x" / "c")
    assert (tmp_path / "x" / "c").read_bytes() == b"abc" and not (tmp_path / "a").samefile(tmp_path / "x" / "c")


def test_a_file_is_renamed(tmp_path: Path) -> None:
    inode = put(tmp_path / "a").stat().st_ino
    move(tmp_path / "a", put(tmp_path / "b", b"old"))
    assert (tmp_path / "b").stat().st_ino == inode and not (tmp_path / "a").exists()
    with pytest.raises(FileNotFoundError):
        move(tmp_path / "a", tmp_path / "c")


def test_to_another_disk_a_file_is_copied_flushed_and_then_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a")
    replace, steps = Path.replace, list[str]()

    def other_disk(self: Path, target: Path) -> Path:
        steps.append(f"{self.name} {target.name}")
        if self.name == "a":
            raise OSError(errno.EXDEV, "other disk")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", other_disk)
    monkeypatch.setattr(os, "fsync", lambda descriptor: steps.append(Path(f"/proc/self/fd/{descriptor}").readlink().name))
    move(tmp_path / "a", tmp_path / "b")
    assert steps == ["a b", ".b.part", ".b.part b"]
    assert [path.name for path in tmp_path.iterdir()] == ["b"] and (tmp_path / "b").read_bytes() == b"abc"


def test_a_missing_file_cannot_be_flushed(tmp_path: Path) -> None:
    flush(put(tmp_path / "a"))
    with pytest.raises(FileNotFoundError):
        flush(tmp_path / "b")


def test_the_lock_of_a_killed_process_is_waited_for_while_what_it_had_started_ends(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys\nfrom pathlib import Path\nfrom pipeline.output.disk import held_locks, locked\n"
        "with locked(Path(sys.argv[1]), 'x'):\n"
        "    subprocess.Popen(['sleep', '0.5'], pass_fds=held_locks)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / ".lock")])
    assert killed.returncode == -9 and (tmp_path / ".lock.owner").exists()
    with locked(tmp_path / ".lock", "x"):
        assert (tmp_path / ".lock.owner").read_text() == str(os.getpid())


def test_a_lock_refuses_others_names_its_process_and_leaves_no_file(tmp_path: Path) -> None:
    lock, message = tmp_path / ".lock", r"^out: another build is at work here \(process {}\); wait for it, or stop it$"
    with locked(lock, "out"):
        assert (tmp_path / ".lock.owner").read_text() == str(os.getpid())
        with pytest.raises(FolderInUseError, match=message.format(os.getpid())), locked(lock, "out"):
            pass
        (tmp_path / ".lock.owner").unlink()
        with pytest.raises(FolderInUseError, match=message.format("unknown")), locked(lock, "out"):
            pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), locked(lock, "out"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with locked(lock, "out"):
        assert lock.exists()


def test_what_fails_on_the_same_disk_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError):
        move(put(tmp_path / "a"), tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert len({FileState(1, "x"), FileState(1, "x")}) == 1
