"""The file of equal sounds is read as it was written; a damaged or missing one counts as none, so that it is made again."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.output.damage import DamagedFileError
from pipeline.output.equal_sounds_file import EqualSounds, checked_equal_sounds, read_equal_sounds, write_equal_sounds
from pipeline.output.storage import Folder
from pipeline.records import ShardId

FIRST, SECOND = ShardId("Set", "train", 0), ShardId("Set", "train", 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "plan").mkdir()
    return tmp_path / "plan/equal_sounds.parquet"


def folder_of(path: Path) -> Folder:
    return Folder(str(path.parent.parent))


def test_the_sounds_of_every_shard_are_read_as_they_were_written(path: Path) -> None:
    write_equal_sounds([(SECOND, "b", "k"), (SECOND, "a", "l"), (FIRST, "b", "k")], "hash", path)
    sounds = EqualSounds("hash", {FIRST: (("b", "k"),), SECOND: (("a", "l"), ("b", "k"))})
    assert read_equal_sounds(folder_of(path)) == checked_equal_sounds(folder_of(path)) == sounds
    assert (sounds.of(FIRST), EqualSounds().of(FIRST)) == ((("b", "k"),), ())
    table = pq.read_table(path)
    assert table.column_names == ["shard", "pcm_sha256", "key"] and table["shard"].to_pylist() == ["Set/train/0", *["Set/train/1"] * 2]


def test_no_file_is_no_equal_sounds(path: Path) -> None:
    assert read_equal_sounds(folder_of(path)) == EqualSounds() == EqualSounds("", {})
    with pytest.raises(FileNotFoundError):
        checked_equal_sounds(folder_of(path))


def test_a_file_without_a_hash_has_an_empty_one(path: Path) -> None:
    write_equal_sounds([(FIRST, "b", "k")], "hash", path)
    for metadata in (None, {"other": "x"}):
        pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
        assert checked_equal_sounds(folder_of(path)) == EqualSounds("", {FIRST: (("b", "k"),)})


@pytest.mark.parametrize("damage", ["shard", "hash", "column", "bytes"])
def test_damage_is_named_and_counts_as_no_file(damage: str, path: Path) -> None:
    write_equal_sounds([(FIRST, "b", "k")], "hash", path)
    table = pq.read_table(path)
    if damage == "shard":
        table = table.set_column(0, "shard", [["Set/train"]])
    if damage == "hash":
        table = table.replace_schema_metadata({b"sounds_sha256": b"\xff"})
    if damage == "column":
        table = table.drop_columns(["key"])
    pq.write_table(table, path)
    if damage == "bytes":
        path.write_bytes(path.read_bytes()[:-3])
    assert read_equal_sounds(folder_of(path)) == EqualSounds()
    with pytest.raises(DamagedFileError, match=r"plan/equal_sounds\.parquet"):
        checked_equal_sounds(folder_of(path))
