"""Sources -> clips, rejections and the number of rows."""

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Caption, Clip, Reason, Rejection
from sources import table
from transforms.planning.read_sources import ReadSources, read_source, storable


def options(tmp_path: Path, content: str, name: str = "t.csv", dataset: str = "T") -> table.Options:
    (tmp_path / name).write_text(content, encoding="utf-8")
    return table.Options(source="table", dataset=dataset, base=tmp_path, path=name)


def test_a_limit_takes_the_first_rows(tmp_path):
    given = options(tmp_path, "url\na\nb\nc\n")
    assert [outcome.url for outcome in read_source(given, 2)] == ["a", "b"]
    assert len(list(read_source(given))) == 3


@pytest.mark.parametrize(
    "changes", [{"id": "\ud83d"}, {"url": "caf\udce9.wav"}, {"captions": (Caption("half \ud83d"),)}, {"labels": ("a\0b",)}, {"title": "\0"}]
)
def test_text_that_no_file_can_hold_is_a_rejection_that_a_file_can_hold(changes):
    clip = Clip(**{"source": "s", "dataset": "D", "split": "train", "id": "i", "url": "u", "row_number": 3} | changes)
    no = storable(clip)
    assert isinstance(no, Rejection)
    assert (no.reason, no.clip.row_number) == (Reason.BAD_ROW, 3)
    assert isinstance(storable(Rejection(clip, Reason.BAD_ROW, "read")).reason, Reason)
    assert (no.clip.id + no.clip.url + no.detail).encode().count(0) == 0


def test_any_other_text_of_the_world_passes():
    clip = Clip("s", "D", "train", "雨 🌧", "é.wav", captions=(Caption("Año\u200d"),))
    assert storable(clip) is clip


def test_half_a_surrogate_pair_in_jsonl_spoils_one_row(tmp_path):
    given = options(tmp_path, '{"url": "a", "caption": "\\ud83d"}\n{"url": "b", "caption": "\\ud83c\\udf27"}\n', "t.jsonl")
    assert [type(outcome) for outcome in read_source(given)] == [Rejection, Clip]


def test_rows_are_counted_by_dataset(tmp_path):
    sources = [options(tmp_path, "url,start\na,1\nb,x\n"), options(tmp_path, "url\nc\n", "u.csv", "U")]

    def wire(root: beam.Pipeline) -> None:
        clips, rejections, counts = root | ReadSources(sources, None)
        assert_that(clips | "Urls" >> beam.Map(lambda clip: clip.url), equal_to(["a", "c"]), "clips")
        assert_that(rejections | "Reasons" >> beam.Map(lambda no: no.reason), equal_to([Reason.BAD_ROW]), "rejections")
        assert_that(counts, equal_to([("T", 2), ("U", 1)]), "counts")

    Engine(n_workers=2).run(wire)
