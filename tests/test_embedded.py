"""Recordings inside of parquet tables, as the library `datasets` writes them, become samples; each row with its own sound."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.books import read_books
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Rejected, ShardId
from sources import table
from sources.metadata.embedded import EmbeddedAddress
from tests.fates import build_into, tone
from tests.sounds import wav
from transforms.fetching.embedded import EmbeddedHandler

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def sound(number: int, seconds: float = 0.2) -> bytes:
    return wav(tone(200 + 50 * number, seconds).tobytes())


def write(folder: Path, cells: list[dict | None], column: str = "audio", **columns: list) -> table.Options:
    folder.mkdir(exist_ok=True)
    rows = pa.table({column: pa.array(cells, AUDIO), "caption": [f"Text {n}." for n in range(len(cells))], **columns})
    pq.write_table(rows, folder / "t.parquet", row_group_size=3)
    return table.Options(source="table", dataset="T", base=folder, path="t.parquet")


def fetched(options: table.Options, clip: Clip, work: Path) -> bytes:
    work.mkdir(exist_ok=True)
    return EmbeddedHandler(options.base).fetch(clip, work).path.read_bytes()


@pytest.mark.parametrize("column", ["audio", "so#und /x.y"])
def test_each_row_gives_its_own_recording(tmp_path, column):
    options = write(tmp_path / "in", [{"bytes": sound(n), "path": f"{n}.wav"} for n in range(8)], column)
    table.check(options)
    clips = list(table.read(options))
    assert [fetched(options, clip, tmp_path / "work") for clip in clips] == [sound(n) for n in range(8)]
    assert [clip.id.split("-")[0] for clip in clips] == [str(n) for n in range(8)]
    assert [clip.recording for clip in clips] == [f"sha256:{hashlib.sha256(sound(n)).hexdigest()}" for n in range(8)]


def test_a_path_is_used_where_there_are_no_bytes_and_a_row_with_neither_is_bad(tmp_path):
    empty, by_path, nothing, bare = table.read(
        write(tmp_path / "in", [{"bytes": b"", "path": None}, {"bytes": None, "path": "a.wav"}, None, {"bytes": None, "path": None}])
    )
    assert by_path.url == "a.wav"
    assert nothing.reason is bare.reason is Reason.BAD_ROW
    assert EmbeddedAddress.parse(empty.url).row == 1


def test_rows_with_one_file_name_and_other_bytes_are_other_recordings(tmp_path):
    first, second, same = table.read(write(tmp_path / "in", [{"bytes": sound(n), "path": "audio.wav"} for n in (1, 2, 1)]))
    assert len({first.id, second.id}) == len({first.recording, second.recording}) == 2
    assert (first.id, first.recording) == (same.id, same.recording)


def test_ids_do_not_change_when_rows_are_added_before(tmp_path):
    cells = [{"bytes": sound(n), "path": None} for n in range(4)]
    before = [clip.id for clip in table.read(write(tmp_path / "a", cells[1:]))]
    assert [clip.id for clip in table.read(write(tmp_path / "b", cells))][1:] == before


def test_a_table_that_was_replaced_since_it_was_planned_gives_no_wrong_sound(tmp_path):
    cells = [{"bytes": sound(n), "path": None} for n in range(4)]
    options = write(tmp_path / "in", cells)
    clips = list(table.read(options))
    write(tmp_path / "in", [cells[1], cells[0], None])
    reasons = []
    for clip in clips:
        with pytest.raises(Rejected) as rejected:
            fetched(options, clip, tmp_path / "work")
        reasons.append(rejected.value.reason)
    assert reasons == [Reason.NOT_FOUND, Reason.NOT_FOUND, Reason.NOT_FOUND, Reason.CORRUPT]
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    "url", ["parquet:", "parquet:x", "parquet:gone.parquet#audio/1/0123456789abcdef", "parquet:t.parquet#gone/1/0123456789abcdef"]
)
def test_an_address_that_names_nothing_is_rejected(tmp_path, url):
    options = write(tmp_path / "in", [{"bytes": sound(1), "path": None}])
    with pytest.raises(Rejected):
        fetched(options, Clip("table", "T", "train", "x", url), tmp_path / "work")


def test_sets_with_recordings_in_a_table_are_built(tmp_path):
    cells = [{"bytes": sound(n, 0.2 + n / 10), "path": f"{n}.wav"} for n in range(5)]
    write(tmp_path / "in", [*cells, {"bytes": b"no sound", "path": "5.wav"}])
    (tmp_path / "in" / "r.toml").write_text('name = "x"\n[[sources]]\nsource = "table"\ndataset = "T"\npath = "t.parquet"\n')
    outcome = build_into(tmp_path / "out", tmp_path / "in" / "r.toml")
    assert (outcome.books.datasets["T"].samples, dict(outcome.books.datasets["T"].reasons)) == (5, {"not_audio": 1})
    rows = read_books(Folder(str(tmp_path / "out")), ShardId("T", "train", 0), ["url", "duration", "status"]).to_pylist()
    durations = {EmbeddedAddress.parse(row["url"]).row: row["duration"] for row in rows if row["status"] == "sample"}
    assert durations == {n + 1: pytest.approx(0.2 + n / 10, abs=0.001) for n in range(5)}


def test_planning_and_fetching_hold_a_row_group_and_not_the_table(tmp_path):
    (tmp_path / "in").mkdir()
    cells = [{"bytes": wav(tone(n, 1.0).tobytes() + bytes(2 << 20)), "path": None} for n in range(60)]  # 130 MB
    pq.write_table(pa.table({"audio": pa.array(cells, AUDIO)}), tmp_path / "in/t.parquet", row_group_size=6, use_dictionary=False)
    options = table.Options(source="table", dataset="T", base=tmp_path / "in", path="t.parquet")
    del cells
    before, peak, clips = pa.total_allocated_bytes(), 0, []
    for clip in table.read(options):
        clips.append(clip)
        peak = max(peak, pa.total_allocated_bytes() - before)
    fetched(options, clips[-1], tmp_path / "work")
    assert (len(clips), peak < 48 << 20) == (60, True)
