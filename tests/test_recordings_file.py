"""What is noted of the recordings of shards is read again as it was written; a damaged file counts as none."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.output.damage import DamagedFileError
from pipeline.output.recordings_file import SHARDS, LocalFile, Recordings, checked_recordings, read_recordings, write_recordings
from pipeline.output.storage import Folder
from pipeline.records import ShardId

A, B, C = (ShardId("Set", "train", n) for n in range(3))


def files(shard: ShardId, *names: str) -> tuple[LocalFile, ...]:
    return tuple(LocalFile(shard.name, f"key-{name}", f"in/{name}.wav", 7, 1_700_000_000_000_000_001) for name in names)


NOTED = Recordings(frozenset({A, B}), (*files(A, "x", "y"), LocalFile(A.name, "gone", "in/gone.wav", -1, 0)))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def change(folder: Folder, **metadata: bytes) -> None:
    path = Path(folder.root, ".recordings")
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)


def test_recordings_are_read_as_they_were_written(folder: Folder) -> None:
    assert read_recordings(folder) == Recordings() == Recordings(frozenset(), ())
    write_recordings(NOTED, folder)
    assert read_recordings(folder) == checked_recordings(folder) == NOTED
    written = Path(folder.root, ".recordings").read_bytes()
    write_recordings(Recordings(frozenset({B, A}), NOTED.files), folder)
    assert Path(folder.root, ".recordings").read_bytes() == written
    write_recordings(Recordings(), folder)
    assert read_recordings(folder) == Recordings()


def test_shards_that_are_made_again_have_new_recordings_and_others_keep_theirs() -> None:
    new = Recordings(frozenset({A, C}), files(C, "z"))
    assert NOTED.replaced_by(new) == Recordings(frozenset({A, B, C}), files(C, "z"))
    assert new.replaced_by(NOTED) == Recordings(frozenset({A, B, C}), (*files(C, "z"), *NOTED.files))


def test_recordings_of_some_shards() -> None:
    both = Recordings(frozenset({A, B}), (*files(A, "x"), *files(B, "y")))
    assert both.only([B, C]) == Recordings(frozenset({B}), files(B, "y"))


@pytest.mark.parametrize("shards", [b"[1]", b'["Set/train"]', b"{", b'["Set/train/1"]', b"[]"])
def test_shards_that_cannot_be_read_or_do_not_fit_the_files_are_damage(shards: bytes, folder: Folder) -> None:
    write_recordings(NOTED, folder)
    change(folder, shards=shards)
    assert read_recordings(folder) == Recordings()
    with pytest.raises(DamagedFileError, match="recordings"):
        checked_recordings(folder)


def test_a_file_without_its_list_of_shards_is_damaged_unless_it_is_empty(folder: Folder) -> None:
    write_recordings(Recordings(frozenset({A}), ()), folder)
    change(folder)
    assert checked_recordings(folder) == Recordings() and SHARDS == b"shards"
    write_recordings(NOTED, folder)
    change(folder)
    with pytest.raises(DamagedFileError, match="it has files of shards that it does not list"):
        checked_recordings(folder)
