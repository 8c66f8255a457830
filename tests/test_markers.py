"""A marker comes back as it was written, and counts only when it is one of this version."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.output import markers as module
from pipeline.output.markers import FileFacts, Marker, facts_of, file_facts, inputs_sha256, read_marker
from pipeline.output.plan_index import FORMAT, OutputFormatError
from pipeline.output.storage import Folder
from pipeline.records import ShardId

SHARD = ShardId("Set", "train", 7)
MARKER = Marker(
    SHARD, "rows", "inputs", "sounds", 5, 3, 2, {"silent": 2}, 1.5, FileFacts(10, "aa"), FileFacts(20, "bb"), {"build": 0.5}, {"av": "1"}
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def test_a_marker_comes_back_from_its_json() -> None:
    value = json.loads(json.dumps(MARKER.to_json()))
    assert Marker.from_json(value) == MARKER
    assert (value["format"], value["shard"], value["tar"]) == (FORMAT, "Set/train/7", {"bytes": 10, "sha256": "aa"})


def test_a_marker_is_read_from_the_file_of_its_shard(folder: Folder) -> None:
    assert read_marker(folder, SHARD) is None
    folder.write_json("Set/train/7_stats.json", MARKER.to_json())
    assert read_marker(folder, SHARD) == MARKER
    assert read_marker(folder, replace(SHARD, index=8)) is None


@pytest.mark.parametrize("name", sorted(MARKER.to_json()))
def test_a_marker_without_one_of_its_values_does_not_count(name: str, folder: Folder) -> None:
    value = MARKER.to_json()
    del value[name]
    folder.write_json("Set/train/7_stats.json", value)
    assert read_marker(folder, SHARD) is None


@pytest.mark.parametrize(
    "change", [{"shard": "Set/train"}, {"shard": 7}, {"tar": {}}, {"tar": []}, {"parquet": {"bytes": 1}}, {"format": 1}, {"format": "2"}]
)
def test_a_marker_with_a_wrong_value_does_not_count(change: dict, folder: Folder) -> None:
    folder.write_json("Set/train/7_stats.json", MARKER.to_json() | change)
    assert read_marker(folder, SHARD) is None


def test_a_marker_of_another_format_is_an_error_where_it_is_parsed() -> None:
    with pytest.raises(OutputFormatError, match=f"a marker is of format 1, .* reads format {FORMAT}"):
        Marker.from_json(MARKER.to_json() | {"format": 1})


@pytest.mark.parametrize("n_bytes", [0, 1, 99, 100, 101, 250])
def test_facts_are_size_and_hash_of_all_bytes(n_bytes: int, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 100)
    data = bytes(n % 256 for n in range(n_bytes))
    folder.write("below/file", data)
    expected = FileFacts(n_bytes, sha256(data).hexdigest())
    assert facts_of(folder, "below/file") == file_facts(Path(folder.path("below/file"))) == expected


def test_facts_of_a_missing_file_are_an_error(folder: Folder) -> None:
    with pytest.raises(FileNotFoundError):
        facts_of(folder, "gone")


def test_every_input_counts_for_the_hash_of_the_inputs() -> None:
    inputs = [
        ("rows", "settings", ()),
        ("other", "settings", ()),
        ("rows", "other", ()),
        ("rows", "settings", (("pcm", "key"),)),
        ("rows", "settings", (("other", "key"),)),
        ("rows", "settings", (("pcm", "other"),)),
        ("rows", "settings", (("pcm", "key"), ("pcm-2", "key"))),
    ]
    assert len({inputs_sha256(*each) for each in inputs}) == len(inputs)
    assert inputs_sha256("rows", "settings", ()) == inputs_sha256("rows", "settings", [])
