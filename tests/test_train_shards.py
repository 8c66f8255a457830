"""Find and index shards, local or remote."""

import json

import fsspec
import pytest

from tests.train_sets import write_split
from train.data.samples import Clips
from train.data.shards import find_shards, fingerprint, list_members, scan_tar
from train.errors import BadInput


@pytest.fixture
def root(tmp_path):
    write_split(tmp_path / "set" / "A" / "train", 12)
    write_split(tmp_path / "set" / "B" / "balanced_train", 2)
    write_split(tmp_path / "set" / "B" / "eval", 3)
    return tmp_path / "set"


def test_all_datasets_and_the_split_names_of_audioset_are_read(root):
    assert [s.n_samples for s in find_shards(str(root), "train")] == [5, 5, 2, 2]
    assert [s.n_samples for s in find_shards(str(root), "test")] == [3]
    assert [s.n_samples for s in find_shards(str(root / "A"), "train")] == [5, 5, 2]


def test_shards_are_sorted_by_their_numbers(tmp_path):
    write_split(tmp_path / "A" / "train", 11, per_shard=1, seconds=(0.1,))
    assert [s.address.rpartition("/")[2] for s in find_shards(str(tmp_path), "train")][-2:] == ["9.tar", "10.tar"]


@pytest.mark.parametrize(
    ("where", "split", "message"), [("nowhere", "train", "is no folder"), ("set", "valid", "no samples of split 'valid'")]
)
def test_a_missing_folder_or_split_is_bad_input(root, where, split, message):
    with pytest.raises(BadInput, match=message):
        find_shards(str(root.parent / where), split)


def test_empty_shards_are_no_samples(root):
    (root / "B" / "eval" / "sizes.json").write_text('{"0.tar": 0}')
    with pytest.raises(BadInput, match="no samples"):
        find_shards(str(root), "test")


def test_sizes_of_another_form_are_refused(root):
    (root / "B" / "eval" / "sizes.json").write_text("[1]")
    with pytest.raises(BadInput, match="should be"):
        find_shards(str(root), "test")


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
    first = scan_tar(find_shards(str(root), "train")[0], tmp_path)[0]
    data = (root / "A" / "train" / "0.tar").read_bytes()
    assert data[first.flac_start : first.flac_start + 4] == b"fLaC"
    assert json.loads(data[first.json_start : first.json_start + first.json_size])["tag"] == ["hum"]


def test_the_index_is_cached_until_the_shard_changes(root, tmp_path):
    shard = find_shards(str(root), "test")[0]
    listed = list_members(shard, tmp_path)
    index = tmp_path / f"{shard.cache_key}.json"
    index.write_text(index.read_text().replace(listed[0].key, "cached"))
    assert list_members(shard, tmp_path)[0].key == "cached"
    write_split(root / "B" / "eval", 3, seed=50)
    assert list_members(find_shards(str(root), "test")[0], tmp_path)[0].key == listed[0].key


def test_a_shard_of_another_content_has_another_fingerprint(root):
    before = fingerprint(find_shards(str(root), "train"))
    write_split(root / "A" / "train", 11)
    assert fingerprint(find_shards(str(root), "train")) != before


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
