"""Datasets, clips, hours and licences of training shards, as the model card lists them."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.books import write_books
from tests.train_sets import write_set, write_shard
from train.errors import BadInput
from train.hub.card_facts import training_data
from train.hub.training_data import DatasetSummary, summarize


def row(licence: str | None, status: str = "sample") -> dict:
    return {"status": status, "license": licence, "duration": 360.0 if status == "sample" else None}


@pytest.fixture
def shards(tmp_path):
    """Two datasets of 12 and 4 training samples. The first shard of the first has books, in the columns of the data side."""
    write_set(tmp_path)
    rows = [*[row("CC0-1.0")] * 2, *[row("CC-BY-4.0")] * 2, row(None), row("CC0-1.0", "rejected")]
    write_books(rows, tmp_path / "First" / "train" / "0.parquet")
    return tmp_path


def test_licences_and_hours_are_those_of_the_samples_in_the_books(shards):
    first, second = summarize(str(shards), shards)
    assert first == DatasetSummary("First", 12, 0.5, {"": 8, "CC0-1.0": 2, "CC-BY-4.0": 2})
    assert second == DatasetSummary("Second", 4, 0.0, {"": 4})


@pytest.mark.parametrize("damage", ["no parquet", "of another program"])
def test_other_files_beside_a_shard_are_not_taken_for_its_books(shards, damage):
    books: Path = shards / "First" / "train" / "0.parquet"
    if damage == "no parquet":
        books.write_bytes(b"not parquet")
    else:
        pq.write_table(pa.table({"caption": ["a"]}), books)
    assert summarize(str(shards), shards)[0] == DatasetSummary("First", 12, 0.0, {"": 12})


def test_one_dataset_alone_has_its_own_name(shards):
    assert [(d.name, d.n_clips) for d in summarize(str(shards / "First"), shards)] == [("First", 12)]


def test_no_shards_are_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no samples of split 'train'"):
        summarize(str(tmp_path), tmp_path)


def test_clips_of_shards_without_counts_are_counted(tmp_path):
    for name in ("train-000", "train-001"):
        write_shard(tmp_path / "Sounds" / f"{name}.tar", [("a", b"", {"text": ["x"]}), ("b", b"", {"text": ["x"]})])
    assert summarize(str(tmp_path), tmp_path / "cache") == [DatasetSummary("Sounds", 4, 0.0, {"": 4})]


def test_a_dataset_of_weight_0_is_no_training_data(shards, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"recipe": {"dataset_weights": {"Second": 0}}, "data": "", "shards": str(shards)}))
    assert [dataset.name for dataset in training_data(run, "", tmp_path)] == ["First"]
    assert [dataset.name for dataset in training_data(run, str(shards), tmp_path)] == ["First"]
    shutil.rmtree(shards / "First")
    shutil.rmtree(shards / "Second")
    assert training_data(run, "", tmp_path) == []
    with pytest.raises(BadInput, match="no samples of split 'train'"):
        training_data(run, str(shards), tmp_path)
