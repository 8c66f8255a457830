"""Output folders, local and remote: files are complete or missing, and one build runs at a time."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from pipeline.output.damage import DamagedFileError
from pipeline.output.disk import FolderInUseError
from pipeline.output.storage import WORK, Folder


@pytest.fixture(params=["local", "remote"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "local":
        yield Folder(str(tmp_path / "out"))
        return
    root = f"memory://{uuid.uuid4()}"  # fsspec's store in memory is like an object store: no rename, no lock
    yield Folder(root)
    fsspec.filesystem("memory").store.clear()


def test_what_is_written_can_be_read_listed_moved_and_removed(folder: Folder) -> None:
    folder.write("a/b/one.bin", b"1")
    folder.write_json("a/two.json", {"ä": [1]})
    assert folder.names() == ["a/b/one.bin", "a/two.json"]
    assert folder.names("a", ".json") == ["a/two.json"]
    assert folder.read("a/b/one.bin") == b"1" and folder.read_json("a/two.json") == {"ä": [1]}
    assert folder.size("a/b/one.bin") == 1 and folder.size("a/nothing") is None
    folder.move("a/b/one.bin", "c/three.bin")
    folder.move("a/two.json", "c/three.bin")
    assert folder.names() == ["c/three.bin"] and folder.read_json("c/three.bin") == {"ä": [1]}
    folder.remove("c/three.bin")
    folder.remove("c/three.bin")
    folder.remove_below("c")
    assert not folder.exists("c/three.bin") and folder.names() == []


def test_a_missing_folder_has_no_names(folder: Folder) -> None:
    assert folder.names("nowhere") == []


def test_publishing_replaces_a_file_in_one_step(folder: Folder) -> None:
    folder.write("shard.tar", b"old")
    with folder.workspace() as work:
        (work / "new").write_bytes(b"new")
        assert folder.read("shard.tar") == b"old"
        folder.publish(work / "new", "shard.tar")
    assert folder.read("shard.tar") == b"new"
    assert not work.exists()


def test_unfinished_files_are_never_listed(folder: Folder) -> None:
    with folder.workspace() as work:
        (work / "0.tar").write_bytes(b"half")
        assert folder.names() == []


def test_a_folder_can_be_pickled(folder: Folder) -> None:
    folder.write("x", b"1")
    assert pickle.loads(pickle.dumps(folder)).read("x") == b"1"


def test_unfinished_files_of_a_killed_build_are_removed(tmp_path: Path) -> None:
    (tmp_path / WORK / "laion-audio-dead").mkdir(parents=True)
    with Folder(str(tmp_path)).locked():
        assert not (tmp_path / WORK).exists()


def test_two_processes_cannot_hold_the_lock(tmp_path: Path) -> None:
    with Folder(str(tmp_path)).locked():
        second_build = f"from pipeline.output.storage import Folder\nwith Folder({str(tmp_path)!r}).locked(): pass"
        second = subprocess.run([sys.executable, "-c", second_build], capture_output=True, text=True)
        assert "FolderInUseError" in second.stderr and "another build is at work here" in second.stderr
    with Folder(str(tmp_path)).locked():
        pass


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    with pytest.raises(FolderInUseError), folder.locked():
        raise FolderInUseError("inside")
    with folder.locked():
        pass


@pytest.mark.parametrize("kind", ["folder", "pipe", "endless", "hole", "below a file"])
def test_what_is_no_file_is_named_and_neither_waited_for_nor_read_without_end(kind: str, tmp_path: Path) -> None:
    folder, path = Folder(str(tmp_path)), tmp_path / "name"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(b"")
        os.truncate(path, 40 << 30 if kind == "hole" else 0)
    with pytest.raises(DamagedFileError, match=r"^name"):
        folder.read("name/below" if kind == "below a file" else "name")
    if kind == "folder":
        with pytest.raises(DamagedFileError, match="folder"):
            folder.write("name", b"x")


def test_an_error_of_the_disk_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "name").symlink_to("/proc/self/mem")
    with pytest.raises(OSError, match=r"name"):
        Folder(str(tmp_path)).read("name")


@pytest.mark.parametrize("data", [b"", b"[", b"\xff", b"[" * 100_000])
def test_damaged_json_is_named(data: bytes, tmp_path: Path) -> None:
    Folder(str(tmp_path)).write("a.json", data)
    with pytest.raises(DamagedFileError, match=r"^a\.json: damaged: not JSON"):
        Folder(str(tmp_path)).read_json("a.json")
