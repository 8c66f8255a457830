"""Datasets, clips, hours and licences of training shards, as the model card lists them."""

import shutil

import pytest

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import make_fates, unwatched
from tests.train_sets import write_set
from train.errors import BadInput
from train.hub.training_data import summarize


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    build(load_recipe(str(make_fates(folder / "in"))), Folder(str(folder / "out")), None, EagerEngine(), unwatched)
    return folder / "out"


def test_licences_and_hours_come_from_the_books_of_a_build(built):
    (fates,) = summarize(str(built))
    assert fates.name == "Fates" and fates.n_clips > 0 and fates.hours > 0
    assert sum(fates.licences.values()) == fates.n_clips and list(fates.licences) != [""]


def test_rejected_rows_are_not_counted(built):
    (fates,) = summarize(str(built))
    assert not fates.licences.get("", 0) > fates.n_clips


@pytest.mark.parametrize("damage", ["missing", "no parquet", "of another program"])
def test_clips_without_books_have_no_licence_recorded(built, tmp_path, damage):
    shutil.copytree(built, tmp_path / "out")
    for books in (tmp_path / "out" / "Fates" / "train").glob("*.parquet"):
        if damage == "missing":
            books.unlink()
        elif damage == "no parquet":
            books.write_bytes(b"not parquet")
        else:
            write_other_table(books)
    (fates,) = summarize(str(tmp_path / "out"))
    assert fates.licences == {"": fates.n_clips} and fates.hours == 0


def write_other_table(path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"caption": ["a"]}), path)


def test_datasets_are_listed_by_name_and_only_their_training_split(tmp_path):
    write_set(tmp_path / "set")
    assert [(d.name, d.n_clips) for d in summarize(str(tmp_path / "set"))] == [("First", 12), ("Second", 4)]
    assert [(d.name, d.n_clips) for d in summarize(str(tmp_path / "set" / "First"))] == [("First", 12)]


def test_no_shards_are_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no samples of split 'train'"):
        summarize(str(tmp_path))
