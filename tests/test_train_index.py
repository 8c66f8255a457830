"""The index of a set: which samples it has, and where their bytes lie."""

import json
import multiprocessing
import pickle
from pathlib import Path

import fsspec
import pytest

from tests.train_sets import write_datasets, write_split
from train.data import index
from train.data.index import list_members, open_index
from train.data.samples import Clips
from train.data.shards import find_shards
from train.errors import BadInput


@pytest.fixture
def root(tmp_path):
    return write_datasets(tmp_path / "set")


def test_a_wrong_count_is_bad_input_when_the_shard_is_indexed(root, tmp_path):
    (root / "B" / "eval" / "sizes.json").write_text('{"0.tar": 4}')
    with pytest.raises(BadInput, match=r"holds 3 samples, its sizes.json says 4"):
        list_members(find_shards(str(root), "test")[0], tmp_path)


def test_a_damaged_tar_is_named(root, tmp_path):
    shard = find_shards(str(root), "test")[0]
    (root / "B" / "eval" / "0.tar").write_bytes(b"junk" * 300)
    with pytest.raises(BadInput, match=r"0.tar is not a complete tar"):
        list_members(shard, tmp_path)


def test_a_member_gives_the_position_of_its_bytes(root, tmp_path):
    shard, member = open_index(find_shards(str(root), "train"), tmp_path)[0]
    data = Path(shard.address).read_bytes()
    assert data[member.audio_start : member.audio_start + 4] == b"fLaC"
    assert json.loads(data[member.text_start : member.text_start + member.text_size])["tag"] == ["hum"]


def test_samples_stand_in_the_order_of_their_shards(root, tmp_path):
    samples = open_index(find_shards(str(root), "train"), tmp_path)
    keys = [*(f"train-{i:03}" for i in range(12)), "balanced_train-000", "balanced_train-001"]
    assert [member.key for _, member in samples] == keys
    assert [(shard.dataset, Path(shard.address).name) for shard, _ in (samples[4], samples[5], samples[-1])] == [
        ("A", "0.tar"),
        ("A", "1.tar"),
        ("B", "0.tar"),
    ]
    with pytest.raises(IndexError):
        samples[14]


def test_the_index_is_made_once_and_again_when_a_shard_changes(root, tmp_path):
    shards = find_shards(str(root), "test")
    before = list(open_index(shards, tmp_path))
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("samples")}
    assert list(open_index(shards, tmp_path)) == before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("samples")} == made
    write_split(root / "B" / "eval", 3, seed=50)
    assert list(open_index(find_shards(str(root), "test"), tmp_path)) != before


def test_a_sample_takes_28_bytes_of_a_file_that_a_copy_of_the_index_maps_too(root, tmp_path):
    samples = open_index(find_shards(str(root), "train"), tmp_path)
    assert [path.stat().st_size for path in tmp_path.rglob("samples")] == [28 * len(samples)]
    pickled = pickle.dumps(samples)
    assert list(pickle.loads(pickled)) == list(samples)
    assert b"train-003" not in pickled


def test_an_index_that_was_not_finished_is_made_again(root, tmp_path):
    shards = find_shards(str(root), "train")
    (folder,) = [path.parent for path in (open_index(shards, tmp_path), *tmp_path.rglob("samples"))[1:]]
    folder.rename(f"{folder}.part")  # as a process that was killed leaves it
    assert len(open_index(shards, tmp_path)) == 14
    assert not list(folder.parent.glob("*.part"))


def make_index(root, cache):
    return len(open_index(find_shards(root, "train"), Path(cache))), len(list(Path(cache).rglob("samples")))


def test_processes_that_start_together_get_one_index(root, tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.starmap(make_index, [(str(root), str(tmp_path / "cache"))] * 4) == [(14, 1)] * 4


@pytest.mark.slow
def test_an_index_by_several_processes_is_that_of_one(root, tmp_path, monkeypatch):
    shards = find_shards(str(root), "train")
    alone = list(open_index(shards, tmp_path / "a"))
    monkeypatch.setattr(index, "MANY", 2)
    monkeypatch.setattr(index, "cores", lambda: 2)
    assert list(open_index(shards, tmp_path / "b")) == alone


@pytest.mark.filterwarnings("ignore")
def test_remote_shards_give_the_same_samples_and_are_fetched_once(root, tmp_path):
    files = fsspec.filesystem("memory")
    for path in sorted(root.rglob("*.*")):
        if path.is_file():
            files.pipe_file(f"/remote/{path.relative_to(root)}", path.read_bytes())
    local, remote = (Clips(find_shards(where, "train"), True, tmp_path / "cache") for where in (str(root), "memory://remote"))
    assert len(local) == len(remote)
    assert [local[0, i].key for i in range(14)] == [remote[0, i].key for i in range(14)]
    files.rm("/remote", recursive=True)
    assert remote[1, 3].key == local[1, 3].key
    assert not list((tmp_path / "cache").glob("*.part"))
