"""Rows of parquet tables: the columns in use alone, in order, within limits, each recording with the number of its row."""

from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.metadata import parquet_rows
from sources.metadata.embedded import Embedded
from sources.metadata.parquet_rows import _in_a_line, check, columns, recording, recordings_columns, rows
from sources.metadata.row import Row

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def written(folder: Path, n_rows_a_group: int = 3, **cells: object) -> Path:
    pq.write_table(pa.table(cells), folder / "t.parquet", row_group_size=n_rows_a_group)
    return folder / "t.parquet"


def audio(*cells: tuple[bytes | None, str | None] | None) -> pa.Array:
    return pa.array([None if cell is None else {"bytes": cell[0], "path": cell[1]} for cell in cells], AUDIO)


def test_columns_have_cleaned_names_and_those_of_recordings_are_known(tmp_path):
    path = written(tmp_path, **{" url ": ["a"], "audio ": audio((b"x", "a")), "other": pa.array([{"bytes": b"x"}])})
    assert (columns(path), recordings_columns(path)) == (["url", "audio", "other"], ["audio"])


def test_the_wanted_columns_of_every_row_are_given_in_order(tmp_path):
    path = written(tmp_path, url=[f"{n}.wav" for n in range(8)], n=list(range(8)), url_2=["x"] * 8)
    assert list(rows(path, ["url"])) == [Row(n + 1, {"url": f"{n}.wav"}) for n in range(8)]
    assert list(rows(path)) == [Row(n + 1, {"url": f"{n}.wav", "n": n, "url_2": "x"}) for n in range(8)]


def test_a_recording_is_named_by_its_row_and_hash(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows, "BATCH_ROWS", 2)
    cells = audio((b"a", "a.wav"), (b"b", None), (None, "c.wav"), None, (b"", "e.wav"))
    path = written(tmp_path, audio=cells)
    cells = [row.values["audio"] for row in rows(path)]
    hashes = [sha256(data).hexdigest() for data in (b"a", b"b", b"")]
    assert cells == [Embedded(1, hashes[0], "a.wav"), Embedded(2, hashes[1], ""), "c.wav", None, Embedded(5, hashes[2], "e.wav")]
    read = [recording(path, "audio", n) for n in range(1, 6)]
    assert [None if data is None else bytes(data) for data in read] == [b"a", b"b", None, None, b""]


@pytest.mark.parametrize(
    ("column", "row", "message"),
    [
        ("audio", 0, "there is no row 0"),
        ("audio", 5, "there is no row 5"),
        ("url", 1, "column 'url' holds no recordings"),
        ("x" * 90, 1, f"column '{'x' * 80}' holds no recordings"),
    ],
)
def test_a_row_or_column_that_is_not_there_is_an_error(tmp_path, column, row, message):
    path = written(tmp_path, audio=audio(*[(b"a", "a")] * 4), url=["a"] * 4)
    with pytest.raises(ValueError, match=f"^{message}$"):
        recording(path, column, row)


def test_the_rows_of_a_damaged_group_have_a_fault_and_the_others_none(tmp_path):
    path = tmp_path / "t.parquet"
    cells = [f"{n:04}" * 100 for n in range(7)]
    pq.write_table(pa.table({"url": cells}), path, row_group_size=3, compression="none", use_dictionary=False, write_page_checksum=True)
    data = path.read_bytes()
    at = data.rindex(b"0004" * 100)
    path.write_bytes(data[:at] + b"\xff" * 50 + data[at + 50 :])
    read = list(rows(path))
    assert [row.number for row in read] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.values for row in read if not row.fault] == [{"url": cells[n]} for n in (0, 1, 2, 6)]
    assert [row.fault.partition(" (")[0] for row in read[3:6]] == ["rows 4 to 6 cannot be read"] * 3
    with pytest.raises(ValueError, match=r"t\.parquet: rows 4 to 6 cannot be read \(.*\); copy the table again, or write it without"):
        check(path, ["url"], ["url"])


def test_a_file_that_is_no_parquet_is_an_error(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no more")
    for read in (columns, recordings_columns, lambda path: list(rows(path)), lambda path: check(path, [], [])):
        with pytest.raises(ValueError, match="not a parquet file"):
            read(tmp_path / "t.parquet")


def test_the_message_of_a_fault_is_one_line_of_at_most_200_characters():
    assert _in_a_line(OSError("cut off\n  in  \tpage 3")) == "cut off in page 3"
    assert _in_a_line(OSError("x" * 300)) == "x" * 200


def test_a_needed_column_holds_no_lists(tmp_path):
    path = written(tmp_path, url=[["a"]], caption=[["x"]], audio=audio((b"a", "a")))
    check(path, ["audio"], ["audio", "caption"])  # a list of captions is none of the needed columns
    with pytest.raises(ValueError, match="column 'url' holds records or lists; addresses, paths or ids are needed"):
        check(path, ["url"], ["url", "caption"])


def test_a_table_has_a_limit_of_rows(tmp_path, monkeypatch):
    path = written(tmp_path, url=["a"] * 4)
    monkeypatch.setattr(parquet_rows, "MAX_ROWS", 4)
    assert len(list(rows(path))) == 4
    monkeypatch.setattr(parquet_rows, "MAX_ROWS", 3)
    with pytest.raises(ValueError, match=r"t\.parquet: 4 rows, at most 3 are read; split the table"):
        list(rows(path))


@pytest.mark.parametrize(("n_empty", "n_full", "is_refused"), [(3, 2, True), (3, 3, False), (2, 0, False), (2, 1, False)])
def test_a_table_of_empty_rows_is_refused(tmp_path, monkeypatch, n_empty, n_full, is_refused):
    monkeypatch.setattr(parquet_rows, "MAX_EMPTY_ROWS", 2)
    path = written(
        tmp_path, url=pa.array([None] * n_empty + ["a"] * n_full, pa.string()), id=pa.array([None] * (n_empty + n_full), pa.string())
    )
    if is_refused:
        with pytest.raises(ValueError, match=f"{n_empty} of {n_empty + n_full} rows have no value in id and url; remove the empty rows"):
            check(path, ["url", "id"], ["url", "id"])
    else:
        check(path, ["url", "id"], ["url", "id"])


@pytest.mark.parametrize(("limit", "n"), [("MAX_VALUES", 4), ("MAX_CHUNK", 60)])
def test_a_column_of_a_row_group_has_limits(tmp_path, monkeypatch, limit, n):
    path = written(tmp_path, 4, url=[1, 2, 3, 4], caption=[["x", "y"]] * 4)
    metadata = pq.ParquetFile(path).metadata.row_group(0).column(0)
    at_most = {"MAX_VALUES": metadata.num_values, "MAX_CHUNK": metadata.total_uncompressed_size}[limit]
    monkeypatch.setattr(parquet_rows, limit, at_most)
    assert len(list(rows(path, ["url"]))) == 4
    monkeypatch.setattr(parquet_rows, limit, at_most - 1)
    for read in (lambda: list(rows(path, ["url"])), lambda: check(path, ["url"], ["url"])):
        with pytest.raises(ValueError, match=r"column 'url' has 4 values, .* bytes; write the table with smaller row groups"):
            read()


def test_a_column_may_expand_a_thousandfold(tmp_path, monkeypatch):
    path = written(tmp_path, 4, url=[1, 2, 3, 4])
    metadata = pq.ParquetFile(path).metadata.row_group(0).column(0)
    size, stored = metadata.total_uncompressed_size, metadata.total_compressed_size
    monkeypatch.setattr(parquet_rows, "MIN_EXPANDED", size - 1)
    monkeypatch.setattr(parquet_rows, "MAX_EXPANSION", size / stored)
    assert len(list(rows(path))) == 4
    monkeypatch.setattr(parquet_rows, "MAX_EXPANSION", (size - 1) / stored)
    with pytest.raises(ValueError, match=f"{size} bytes, in one row group of {stored} bytes"):
        list(rows(path))
    monkeypatch.setattr(parquet_rows, "MIN_EXPANDED", size)
    assert len(list(rows(path))) == 4


def test_the_limits_are_those_of_the_documents():
    limits = parquet_rows.MAX_ROWS, parquet_rows.MAX_EMPTY_ROWS, parquet_rows.MAX_CHUNK, parquet_rows.MAX_VALUES
    assert limits == (50_000_000, 1_000_000, 1_073_741_824, 33_554_432)
    assert (parquet_rows.MIN_EXPANDED, parquet_rows.MAX_EXPANSION) == (67_108_864, 1000)


def test_a_batch_holds_few_bytes(tmp_path):
    path = written(tmp_path, 10_000, n=list(range(10_000)), data=[bytes(1000)] * 10_000)
    file = pq.ParquetFile(path)
    row_bytes = file.metadata.row_group(0).column(1).total_uncompressed_size // 10_000
    assert parquet_rows._batch_rows(file, 0, {}) == 4096
    assert parquet_rows._batch_rows(file, 0, {"n": 0}) == 4096
    assert parquet_rows._batch_rows(file, 0, {"data": 1}) == min(4096, (16 << 20) // (1 + max(row_bytes, 16)))
    file = pq.ParquetFile(written(tmp_path, 10, n=[[1] * 1_000_000] * 2))
    assert parquet_rows._batch_rows(file, 0, {"n.list.element": 0}) == (16 << 20) // (1 + 1_000_001 * 8)
    wide = pq.ParquetFile(written(tmp_path, 10, n=pa.array([bytes(10 << 20)] * 2, pa.binary(10 << 20))))
    assert parquet_rows._batch_rows(wide, 0, {"n": 0}) == 1
