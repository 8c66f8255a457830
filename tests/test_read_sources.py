"""Every row of a source is read once, as a clip or as a rejection, and counted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.output.storage import Folder
from pipeline.records import Caption, Clip, Reason, Rejection
from sources import table
from tests.eager import collect
from transforms.planning.batches import partition_of, unpack
from transforms.planning.read_sources import (
    CLIPS,
    COUNTS,
    LEFT_OUT,
    ReadFiles,
    ReadSources,
    read_in_batches,
    read_source,
    storable,
    write_rows,
)


def options(tmp_path: Path, content: str, name: str = "t.csv", dataset: str = "T") -> table.Options:
    (tmp_path / name).write_text(content, encoding="utf-8")
    return table.Options(source="table", dataset=dataset, base=tmp_path, path=name)


def test_a_limit_takes_the_first_rows(tmp_path: Path) -> None:
    given = options(tmp_path, "url\na\nb\nc\n")
    assert [outcome.url for outcome in read_source(given, 2)] == ["a", "b"]  # type: ignore[union-attr]
    assert len(list(read_source(given))) == 3
    assert list(read_source(given, 0)) == []


CLIP = Clip("s", "D", "train", "i", "u", row_number=3)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "\ud83d"},
        {"url": "caf\udce9.wav"},
        {"recording": "\ud83d"},
        {"captions": (Caption("fine"), Caption("half \ud83d"))},
        {"labels": ("fine", "\ud83d")},
        {"title": "é \ud83d"},
        {"license": "\ud83d"},
        {"creator": "\ud83d"},
    ],
)
def test_text_that_is_not_unicode_is_a_rejection_that_can_be_stored(changes: dict) -> None:
    clip = Clip(**{"source": "s", "dataset": "D", "split": "train", "id": "i", "url": "u", "row_number": 3} | changes)
    rejection = storable(clip)
    assert isinstance(rejection, Rejection)
    assert (rejection.reason, rejection.stage, rejection.clip.row_number) == (Reason.BAD_ROW, "read", 3)
    assert rejection.detail.startswith("text that is not Unicode in ")
    (rejection.clip.id + rejection.clip.url + rejection.detail).encode()


@pytest.mark.parametrize("changes", [{"id": "a\0b"}, {"labels": ("a\0b",)}, {"title": "é\0"}])
def test_a_nul_character_is_a_rejection_that_can_be_stored(changes: dict) -> None:
    rejection = storable(Clip(**{"source": "s", "dataset": "D", "split": "train", "id": "i", "url": "u"} | changes))
    assert isinstance(rejection, Rejection) and rejection.reason == Reason.BAD_ROW
    assert rejection.detail == "a NUL character in " + (r"a\0b" if "id" in changes else "i")
    assert "\0" not in rejection.clip.id + rejection.clip.url


def test_what_cannot_be_stored_is_written_as_escapes() -> None:
    rejection = storable(Clip("s", "D", "valid", "é\ud83d\0", "caf\udce9.wav"))
    assert isinstance(rejection, Rejection)
    assert rejection.clip == Clip("s", "D", "valid", "é\\ud83d\\0", "caf\\udce9.wav")


def test_a_rejection_that_cannot_be_stored_becomes_one_that_can() -> None:
    rejection = storable(Rejection(Clip("s", "D", "train", "\ud83d", "u"), Reason.OUT_OF_RANGE, "read"))
    assert isinstance(rejection, Rejection) and rejection.clip.id == "\\ud83d" and rejection.reason == Reason.BAD_ROW


@pytest.mark.parametrize(
    "outcome",
    [CLIP, Clip("s", "D", "train", "雨 🌧", "é.wav", captions=(Caption("Año\u200d"),)), Rejection(CLIP, Reason.OUT_OF_RANGE, "read", "é")],
)
def test_any_other_text_passes(outcome: Clip | Rejection) -> None:
    assert storable(outcome) is outcome


def test_half_a_surrogate_pair_in_jsonl_spoils_one_row(tmp_path: Path) -> None:
    given = options(tmp_path, '{"url": "a", "caption": "\\ud83d"}\n{"url": "b", "caption": "\\ud83c\\udf27"}\n', "t.jsonl")
    assert [type(outcome) for outcome in read_source(given)] == [Rejection, Clip]


def clips_in(batches: Iterable[tuple[int, bytes]]) -> list[Clip]:
    return [clip for _, data in batches for clip in unpack(data)]


def rows_in(tables: Iterable[bytes]) -> list[dict[str, Any]]:
    return [row for data in tables for row in pa.ipc.open_stream(data).read_all().to_pylist()]


@pytest.mark.parametrize(("limit", "counts"), [(None, [{"T": 2}, {"U": 1}]), (1, [{"T": 1}, {"U": 1}])])
def test_rows_are_counted_by_dataset_rejected_ones_too(limit: int | None, counts: list, tmp_path: Path) -> None:
    sources = [options(tmp_path, "url,start\nb,x\na,1\n"), options(tmp_path, "url\nc\n", "u.csv", "U")]
    batches, _, left_out, counted, _ = collect(lambda root: root | ReadSources(sources, limit))
    assert sorted(clip.url for clip in clips_in(batches)) == (["a", "c"] if limit is None else ["c"])
    assert [row["url"] for row in rows_in(left_out)] == ["b"]
    assert sorted(counted, key=repr) == counts


@pytest.mark.parametrize("max_rows", [1, 2, 100])
def test_rows_are_divided_by_partition_whatever_the_size_of_a_batch(max_rows: int, tmp_path: Path) -> None:
    given = options(tmp_path, "url,start\n" + "".join(f"{number}.wav,{number % 7 or 'x'}\n" for number in range(30)))
    elements = list(read_in_batches(given, None, max_rows))
    batches = [value for kind, value in elements if kind == CLIPS]
    assert all(partition == partition_of(clip.recording) for partition, data in batches for clip in unpack(data))
    expected = list(read_source(given))
    assert sorted(clips_in(batches), key=repr) == sorted((row for row in expected if isinstance(row, Clip)), key=repr)
    assert len(rows_in([value for kind, value in elements if kind == LEFT_OUT])) == 5
    assert [value for kind, value in elements if kind == COUNTS] == [{"T": 30}]


def test_sources_are_read_on_the_engine_of_builds(tmp_path: Path) -> None:
    sources = [options(tmp_path, "url,start\na,1\nb,x\n"), options(tmp_path, "url\nc\n", "u.csv", "U")]

    def steps(root: beam.Pipeline) -> None:
        read = root | ReadSources(sources, None)
        urls = read.clips | "Urls" >> beam.FlatMap(lambda element: [clip.url for clip in clips_in([element])])
        assert_that(urls, equal_to(["a", "c"]), "clips")
        assert_that(
            read.left_out | "Reasons" >> beam.FlatMap(lambda data: [row["reason"] for row in rows_in([data])]),
            equal_to(["bad_row"]),
            "left_out",
        )
        assert_that(read.counts, equal_to([{"T": 2}, {"U": 1}]), "counts")

    Engine(n_workers=2).run(steps)


def test_rows_that_were_read_here_are_those_that_workers_would_read(tmp_path: Path) -> None:
    sources = [options(tmp_path, "url,start\nb,x\na,1\n"), options(tmp_path, "url\nc\n", "u.csv", "U")]
    folder = Folder(str(tmp_path / "out"))
    names = write_rows(sources, None, folder, "plan.new/rows")
    assert folder.names("plan.new") == sorted(names)
    for path in tmp_path.glob("*.csv"):
        path.unlink()  # as on a machine that has not the files
    here = collect(lambda root: root | ReadFiles(folder, names))
    sources = [options(tmp_path, "url,start\nb,x\na,1\n"), options(tmp_path, "url\nc\n", "u.csv", "U")]
    there = collect(lambda root: root | ReadSources(sources, None))
    assert [sorted(map(repr, elements)) for elements in here] == [sorted(map(repr, elements)) for elements in there]
