"""New text is written into a shard whose audio and rejections stay; a damaged shard is left alone."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest

from pipeline.output.books import read_books
from pipeline.output.markers import read_marker
from pipeline.output.plan_files import rows_sha256
from pipeline.output.storage import Folder
from pipeline.records import Caption, Clip, Reason
from tests.eager import collect
from tests.outcomes import SHARD, clip, rejection, sample, write_plan, write_shard
from transforms.shards.rewrite_text import RewriteText, rewrite_text
from transforms.shards.shard_task import ShardTask

OUTCOMES = [sample("a", "aa", b"fLaC a"), rejection("b", Reason.SILENT), sample("c", "cc", b"fLaC c")]
CLIPS = [outcome.clip for outcome in OUTCOMES]
RENEWED = [replace(each, captions=(Caption("New."), Caption("Text."))) for each in CLIPS]
TASK = ShardTask(SHARD, rows_sha256(RENEWED), "new inputs", 3)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    write_shard(OUTCOMES, folder)
    return folder


def members(folder: Folder) -> dict[str, bytes]:
    with tarfile.open(folder.path("Set/train/0.tar")) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_text_is_new_and_audio_rejections_and_requests_stay(folder: Folder) -> None:
    before, rows = members(folder), read_books(folder, SHARD).to_pylist()
    assert rewrite_text(TASK, RENEWED, folder) is not None
    after = members(folder)
    assert list(after) == list(before)
    assert {name: data for name, data in after.items() if name.endswith("flac")} == {
        "table-a.flac": b"fLaC a",
        "table-c.flac": b"fLaC c",
    }
    assert [json.loads(after[f"table-{key}.json"])["text"] for key in "ac"] == [["New.", "Text."]] * 2
    renewed = read_books(folder, SHARD).to_pylist()
    of_text = [{name: row[name] for name in ("n_captions", "json_bytes", "text_json")} for row in renewed]
    assert renewed == [row | own for row, own in zip(rows, of_text, strict=True)]
    samples = [own for own, row in zip(of_text, rows, strict=True) if row["status"] == "sample"]
    assert [(own["n_captions"], json.loads(own["text_json"])["text"]) for own in samples] == [(2, ["New.", "Text."])] * 2
    assert [own["json_bytes"] for own in samples] == [len(after[f"table-{key}.json"]) for key in "ac"]


def test_the_marker_names_new_inputs_and_files_and_keeps_the_counts(folder: Folder) -> None:
    old = read_marker(folder, SHARD)
    assert old is not None
    marker = rewrite_text(TASK, RENEWED, folder)
    assert marker is not None
    assert read_marker(folder, SHARD) == marker
    assert (marker.rows_sha256, marker.inputs_sha256) == (TASK.rows_sha256, "new inputs")
    assert marker.tar.sha256 != old.tar.sha256 and marker.parquet.sha256 != old.parquet.sha256
    assert marker.tar.bytes == folder.size("Set/train/0.tar") and marker.parquet.bytes == folder.size("Set/train/0.parquet")
    assert list(marker.build_seconds) == ["build", "recaption"]
    assert 0 <= marker.build_seconds["recaption"] < 60
    same = {name: getattr(old, name) for name in ("rows_sha256", "inputs_sha256", "tar", "parquet", "build_seconds")}
    assert replace(marker, **same) == old


@pytest.mark.parametrize("clips", [RENEWED[:2], [*RENEWED, clip("d")], [*RENEWED[:2], clip("d")]])
def test_a_shard_of_other_rows_is_left_alone(clips: list[Clip], folder: Folder) -> None:
    before = members(folder)
    assert rewrite_text(TASK, clips, folder) is None
    assert members(folder) == before


@pytest.mark.parametrize("name", ["0_stats.json", "0.parquet", "0.tar"])
def test_a_damaged_shard_is_left_alone(name: str, folder: Folder) -> None:
    folder.write(f"Set/train/{name}", b"damaged")
    others = {each: folder.read(each) for each in folder.names()}
    assert rewrite_text(TASK, RENEWED, folder) is None
    assert {each: folder.read(each) for each in folder.names()} == others


def test_a_shard_without_rows_and_without_a_marker_is_left_alone(tmp_path: Path) -> None:
    assert rewrite_text(TASK, [], Folder(str(tmp_path / "empty"))) is None


def test_tasks_that_are_done_already_give_the_marker_that_stands(folder: Folder) -> None:
    write_plan({SHARD: RENEWED}, folder)

    def run() -> list:
        (markers,) = collect(lambda root: [root | beam.Create([TASK]) | RewriteText(folder)])
        return markers

    (first,) = run()
    assert first == read_marker(folder, SHARD)
    assert run() == [first], "its seconds would be others"
    folder.write("Set/train/0.tar", b"damaged")
    assert run() == []
