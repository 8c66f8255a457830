"""Tables are read with the types they must have; any damage is one kind of error that names the file."""

from __future__ import annotations

import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.damage import DamagedFileError
from pipeline.output.parquet_files import read_columns, read_footer, read_table
from pipeline.output.plan_index import DamagedPlanError
from pipeline.output.storage import Folder

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int64()), ("words", pa.list_(pa.string()))])
TABLE = pa.table({"key": ["a", "b"], "n": [1, None], "words": [["x"], []]}, SCHEMA)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def write(folder: Folder, table: pa.Table) -> None:
    pq.write_table(table, folder.path("t.parquet"))


def test_a_table_comes_back_with_its_metadata(folder: Folder) -> None:
    write(folder, TABLE.replace_schema_metadata({"hash": "x"}))
    table = read_table(folder, "t.parquet", SCHEMA, required=["key"])
    assert table.to_pylist() == TABLE.to_pylist() and table.schema.metadata == {b"hash": b"x"}
    assert read_table(folder, "t.parquet", SCHEMA, ["n"]).column_names == ["n"]
    assert read_footer(folder, "t.parquet").num_rows == 2 and read_columns(folder, "t.parquet").names == SCHEMA.names


def test_a_column_that_was_added_later_is_null_and_one_that_is_unknown_is_left_out(folder: Folder) -> None:
    write(folder, TABLE.drop_columns(["n"]).append_column("more", pa.array([1, 2])))
    assert read_table(folder, "t.parquet", SCHEMA)["n"].to_pylist() == [None, None]
    assert read_table(folder, "t.parquet", SCHEMA).column_names == SCHEMA.names


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (TABLE.set_column(1, "n", pa.array(["1", "2"])), "column 'n' holds string, not int64"),
        (TABLE.set_column(2, "words", pa.array([[1], [2]])), "column 'words' holds list"),
        (TABLE.append_column("key", TABLE["key"]), "2 columns 'key'"),
        (TABLE.set_column(0, "key", pa.array([None, "b"])), "column 'key' lacks a value in 1 of 2 rows"),
        (TABLE.drop_columns(["key"]), "column 'key' lacks a value in 2 of 2 rows"),
        (TABLE.set_column(0, "key", pa.array([b"\xff", b"b"]).view(pa.string())), "UTF8"),
    ],
)
def test_other_columns_are_damage(table: pa.Table, what: str, folder: Folder) -> None:
    write(folder, table)
    with pytest.raises(DamagedFileError, match=what) as caught:
        read_table(folder, "t.parquet", SCHEMA, required=["key"])
    assert str(caught.value).startswith("t.parquet: damaged: ")


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"\x99" * 50 + b"PAR1", b"{}", bytes(1000)])
def test_what_is_no_parquet_is_damage(data: bytes, folder: Folder) -> None:
    folder.write("t.parquet", data)
    for read in (read_footer, read_columns, lambda *given: read_table(*given, SCHEMA)):
        with pytest.raises(DamagedFileError, match=r"^t\.parquet: damaged: "):
            read(folder, "t.parquet")


def test_a_missing_file_and_one_that_the_disk_does_not_give_are_other_errors(folder: Folder) -> None:
    with pytest.raises(FileNotFoundError):
        read_table(folder, "t.parquet", SCHEMA)
    Path(folder.path("t.parquet")).symlink_to("/proc/self/mem")
    with pytest.raises(OSError, match=r"t\.parquet"):
        read_table(folder, "t.parquet", SCHEMA)


@pytest.mark.parametrize("kind", [DamagedFileError, DamagedPlanError])
def test_the_error_passes_between_processes(kind: type[DamagedFileError]) -> None:
    error = pickle.loads(pickle.dumps(kind("plan/plan.json", "empty")))
    assert (type(error), str(error), error.name, error.what) == (kind, "plan/plan.json: damaged: empty", "plan/plan.json", "empty")


def test_the_first_line_of_an_error_is_shown(folder: Folder) -> None:
    folder.write("t.parquet", b"PAR1")
    with pytest.raises(DamagedFileError) as caught:
        read_table(folder, "t.parquet", SCHEMA)
    assert "\n" not in caught.value.what and 0 < len(caught.value.what) <= 200 and caught.value.name == "t.parquet"


def test_columns_that_are_not_asked_for_may_be_damaged_or_empty(folder: Folder) -> None:
    write(folder, TABLE.set_column(1, "n", pa.array(["1", "2"])))
    assert read_table(folder, "t.parquet", SCHEMA, ["words", "key"]).column_names == ["words", "key"]
    write(folder, TABLE)
    assert read_table(folder, "t.parquet", SCHEMA, ["key"], required=["key", "n"]).to_pylist() == [{"key": "a"}, {"key": "b"}]
    assert read_table(folder, "t.parquet", SCHEMA, []).column_names == []
