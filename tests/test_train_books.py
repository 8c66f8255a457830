"""Samples of remote shards by the table beside each tar."""

import json
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import make_fates, unwatched
from tests.test_train_command import call
from tests.test_train_foreign import write_as_img2dataset, write_by_webdataset
from tests.test_train_ranges import opened, serving
from tests.train_sets import write_split
from train.data.books import read_books, write_index
from train.data.index import list_members
from train.data.samples import Clips
from train.data.shards import Shard, find_shards


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of a small set that a build has written."""
    folder = tmp_path_factory.mktemp("built")
    build(load_recipe(str(make_fates(folder / "in", n_good=6))), Folder(str(folder / "out")), None, EagerEngine(), unwatched)
    return folder / "out"


def test_the_books_of_a_build_give_the_samples_and_texts_of_its_tars(built, tmp_path):
    tars = sorted(built.rglob("*.tar"))
    assert tars
    for tar in tars:
        shard = Shard(str(tar), -1, "", n_bytes=tar.stat().st_size)
        members, texts = read_books(tar.with_suffix(".parquet").read_bytes(), shard)
        expected = list_members(shard, tmp_path)
        assert members.rows.tolist() == expected.rows.tolist() and members.names == expected.names
        for row, text in zip(members.rows, texts, strict=True):
            sample = json.loads(tar.read_bytes()[row["text_start"] : row["text_start"] + row["text_size"]])
            assert json.loads(text).items() <= sample.items() and {"text", "tag"} <= json.loads(text).keys()


def test_books_of_another_tar_or_program_are_not_used(built):
    tar = sorted(built.rglob("*.tar"))[0]
    data = tar.with_suffix(".parquet").read_bytes()
    assert read_books(data, Shard(str(tar), -1, "", n_bytes=tar.stat().st_size + 10240)) is None
    assert read_books(b"PAR1", Shard(str(tar), -1, "")) is None


def test_a_set_of_ours_on_a_server_takes_one_request_a_shard_before_its_samples(built, tmp_path):
    with serving(built) as server:
        clips = opened(server.address, tmp_path / "cache")
        captions = list(clips.all_captions())
        n_shards = len(clips.shards)
        assert server.of_tars() == []
        assert len([asked for asked in server.asked if asked[0].endswith(".parquet")]) == n_shards
        local = Clips(find_shards(str(built), "train"), True, tmp_path / "local", seed=5)
        assert captions == list(local.all_captions())
        assert [clips[0, i].caption for i in range(len(clips))] == [local[0, i].caption for i in range(len(local))]
        assert len(server.of_tars()) == len(clips)
        server.asked.clear()
        again = opened(server.address, tmp_path / "cache")
        again[0, 0]
        assert server.of_tars() == []


def test_shards_on_a_server_can_be_put_together_in_another_way(built, tmp_path):
    with serving(built) as server:
        shards = find_shards(server.address, "train")
        for some in (shards, shards[::-1], shards[1:]):  # the books are read once, and used for three indexes
            local = [Path(str(built) + shard.address.removeprefix(server.address)) for shard in some]
            keys = [member for _, member in Clips(some, True, tmp_path / "cache").samples]
            expected = [Shard(str(path), -1, f"{i}{len(some)}") for i, path in enumerate(local)]
            assert keys == [member for _, member in Clips(expected, True, tmp_path / "local").samples]


def test_an_index_serves_for_foreign_tars(tmp_path):
    write_by_webdataset(tmp_path / "set" / "train", 9)
    write_as_img2dataset(tmp_path / "set" / "more_train", 5)
    local = Clips(find_shards(str(tmp_path / "set"), "train"), True, tmp_path / "local", seed=5)
    code, out, _ = call("index", tmp_path / "set")
    assert (code, out) == (0, f"4 shards of 14 samples in {tmp_path / 'set'} have an index now")
    with serving(tmp_path / "set") as server:
        clips = opened(server.address, tmp_path / "cache")
        assert list(clips.all_captions()) == list(local.all_captions())
        assert server.of_tars() == []
        assert [clips[1, i].key for i in range(14)] == [local[1, i].key for i in range(14)]


def test_an_index_of_a_tar_that_has_changed_is_not_used(tmp_path):
    write_split(tmp_path / "A" / "train", 3)
    shard = replace_size(Shard(str(tmp_path / "A" / "train" / "0.tar"), 3, ""))
    members = list_members(shard, tmp_path)
    data = write_index(members, ["{}"] * 3, shard)
    assert read_books(data, shard)[0].rows.tolist() == members.rows.tolist()
    assert read_books(data, shard._replace(n_bytes=shard.n_bytes + 512)) is None


def replace_size(shard):
    return shard._replace(n_bytes=Path(shard.address).stat().st_size)


@pytest.mark.parametrize(("where", "message"), [("nowhere", "is no folder"), (".", "holds no .tar"), ("https://x.org/y", "is no folder")])
def test_an_index_needs_tars_on_this_machine(tmp_path, monkeypatch, where, message):
    monkeypatch.chdir(tmp_path)
    code, _, error = call("index", where)
    assert code == 2 and message in error
