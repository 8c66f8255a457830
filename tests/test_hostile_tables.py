"""Tables made to exhaust memory or time, and damaged ones, are a sentence or bad rows, in seconds."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.records import Clip, Reason, Rejection
from sources import table

N_ROWS = 900


def options(folder: Path, content: pa.Table | str, name: str = "t.parquet", **keys: object) -> table.Options:
    if isinstance(content, str):
        (folder / name).write_text(content)
    else:
        pq.write_table(content, folder / name, compression="zstd")
    return table.Options(source="table", dataset="T", base=folder, path=name, **keys)  # type: ignore[arg-type]


def refusal(given: table.Options) -> str:
    with pytest.raises(ValueError) as caught:
        table.check(given)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700
    return str(caught.value)


@pytest.fixture(autouse=True)
def in_seconds() -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < 30


def repeated(text: str, n: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text]))


@pytest.mark.parametrize("column", ["caption", "labels"])
def test_thirteen_kilobytes_with_5000_texts_of_30_megabytes_are_bad_rows(tmp_path, column):
    texts: pa.Array = repeated("x" * 30_000_000, 5000)
    if column == "labels":
        texts = pa.ListArray.from_arrays(pa.array(range(5001), pa.int32()), texts)
    given = options(tmp_path, pa.table({"url": [f"{n}.wav" for n in range(5000)], column: texts}))
    assert (tmp_path / "t.parquet").stat().st_size < 20_000
    del texts
    table.check(given)
    reasons = [outcome.reason for outcome in table.read(given)]
    assert reasons == [Reason.BAD_ROW] * 5000


def test_a_column_that_is_not_in_use_is_not_read(tmp_path):
    given = options(tmp_path, pa.table({"url": ["a.wav"] * 3, "other": repeated("x" * 30_000_000, 3)}))
    assert all(isinstance(outcome, Clip) for outcome in table.read(given))


def test_texts_that_expand_a_thousandfold_without_a_dictionary_are_refused(tmp_path):
    large = pa.table({"url": [f"{n}.wav" for n in range(5)], "caption": ["x" * 30_000_000] * 5})
    pq.write_table(large, tmp_path / "t.parquet", compression="zstd", use_dictionary=False)
    del large
    given = table.Options(source="table", dataset="T", base=tmp_path, path="t.parquet")
    assert "column 'caption' has 5 values, 15000" in refusal(given)


def test_a_list_of_millions_of_items_is_refused(tmp_path):
    items = pa.ListArray.from_arrays(pa.array([0, 40_000_000], pa.int32()), pa.array(np.zeros(40_000_000, np.int8)))
    assert "write the table with smaller row groups, or without this column" in refusal(
        options(tmp_path, pa.table({"url": ["a"], "labels": items}))
    )


def test_tables_of_empty_rows_are_refused(tmp_path):
    few = pa.nulls(2_000_000, pa.string())
    message = refusal(options(tmp_path, pa.table({"url": few, "id": few, "caption": few}), audio_root="x"))
    assert message.endswith("2000000 of 2000000 rows have no value in id and url; remove the empty rows")
    many = pa.nulls(51_000_000)
    assert "51000000 rows, at most 50000000 are read; split the table" in refusal(options(tmp_path, pa.table({"url": many})))


def test_a_csv_of_a_hundred_thousand_columns_is_read_or_refused_in_seconds(tmp_path):
    names = ",".join(f"c{n}" for n in range(100_000))
    table.check(options(tmp_path, f"{names},url\n{'x,' * 100_000}a.wav\n", "t.csv"))
    assert "names 'url' more than once" in refusal(options(tmp_path, f"url,{names},url\n", "t.csv"))
    assert "url = none given" in refusal(options(tmp_path, f"{names}\n", "t.csv"))
    assert "no such column, there are c0, c1" in refusal(options(tmp_path, f"{names}\n", "t.csv", url="c100000"))


def test_a_jsonl_whose_rows_have_more_names_than_any_table_is_refused(tmp_path):
    lines = ("{" + ",".join(f'"k{row}_{n}": 1' for n in range(1000)) + "}\n" for row in range(110))
    assert "have more than 100000 names; is it a table?" in refusal(options(tmp_path, "".join(lines), "t.jsonl"))


def test_compressed_tables_are_refused(tmp_path):
    for name in ("t.csv.gz", "t.jsonl.zst", "t.zip"):
        assert "tables are read as .csv, .tsv, .jsonl, .parquet, not ." in refusal(options(tmp_path, "url\n", name))


def test_a_cell_of_a_million_commas_is_a_bad_row(tmp_path):
    [outcome] = table.read(options(tmp_path, f'url,labels\na.wav,"{"a," * 500_000}"\n', "t.csv"))
    assert isinstance(outcome, Rejection) and "labels holds 500001 texts, at most 10000 are read" in outcome.detail


def damaged(random_bytes: random.Random, data: bytes) -> bytes:
    copy = bytearray(data)
    for _ in range(random_bytes.choice((1, 1, 5, 50))):
        copy[random_bytes.randrange(len(copy))] = random_bytes.randrange(256)
    return bytes(copy)


@pytest.mark.parametrize("kind", [{"compression": "none"}, {"compression": "zstd"}, {"compression": "snappy", "use_dictionary": False}])
def test_a_damaged_parquet_is_refused_or_gives_every_row_an_outcome(tmp_path, kind):
    audio = pa.array([{"bytes": b"xyz" * 20, "path": "a"}] * N_ROWS, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    columns = {"url": [f"{n}.wav" for n in range(N_ROWS)], "labels": [["a", "b"]] * N_ROWS, "start": [1.0] * N_ROWS, "audio": audio}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=300, data_page_size=2000, write_page_checksum=True, **kind)
    data, chance, refused = (tmp_path / "t.parquet").read_bytes(), random.Random(7), 0
    for _ in range(12):
        (tmp_path / "t.parquet").write_bytes(damaged(chance, data))
        given = table.Options(source="table", dataset="T", base=tmp_path, path="t.parquet", url=chance.choice([None, "audio"]))
        try:
            table.check(given)
        except ValueError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            assert sum(1 for _ in table.read(given)) == N_ROWS
    assert refused > 1


def test_rows_with_damaged_recordings_are_bad_rows_with_their_range(tmp_path):
    cells = [{"bytes": bytes([n]) * 5000, "path": f"{n}.wav"} for n in range(9)]
    rows = pa.table({"audio": pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))})
    pq.write_table(rows, tmp_path / "t.parquet", row_group_size=3, compression="none", use_dictionary=False, write_page_checksum=True)
    data = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(data.replace(bytes([4]) * 5000, bytes([44]) * 5000))
    given = table.Options(source="table", dataset="T", base=tmp_path, path="t.parquet")
    table.check(given)
    outcomes = list(table.read(given))
    assert [isinstance(outcome, Clip) for outcome in outcomes] == [True] * 3 + [False] * 3 + [True] * 3
    assert "row 4: rows 4 to 6 cannot be read (" in outcomes[3].detail


def test_a_large_text_that_repeats_is_in_memory_a_few_times_only(tmp_path):
    given = options(tmp_path, pa.table({"url": [f"{n}.wav" for n in range(5000)], "caption": repeated("x" * 30_000_000, 5000)}))
    code = (
        "import resource, sys; from pathlib import Path; from sources import table, metadata; from sources.metadata import parquet_rows\n"
        "given = table.Options(source='table', dataset='T', base=Path(sys.argv[1]), path='t.parquet')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "table.check(given); n = sum(1 for _ in table.read(given))\n"
        "print(n, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(given.base)], capture_output=True, text=True, check=True)
    n_rows, megabytes = map(int, done.stdout.split())
    assert n_rows == 5000 and megabytes < 500


def test_a_footer_that_would_end_the_process_is_a_sentence(tmp_path):
    given = options(tmp_path, pa.table({"url": [f"{n}.wav" for n in range(99)]}))
    data, ended = (tmp_path / "t.parquet").read_bytes(), 0
    footer = int.from_bytes(data[-8:-4], "little") + 8
    chance = random.Random(1)
    for _ in range(10):
        (tmp_path / "t.parquet").write_bytes(data[:-footer] + damaged(chance, data[-footer:-8]) + data[-8:])
        try:
            table.check(given)
        except ValueError as error:
            ended += "\n" not in str(error)
    assert ended > 3
