"""Find and index shards, local or remote."""

import pytest

from tests.train_sets import write_datasets, write_split
from train.data.shards import find_shards, fingerprint
from train.errors import BadInput


@pytest.fixture
def root(tmp_path):
    return write_datasets(tmp_path / "set")


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


def test_a_shard_of_another_content_has_another_fingerprint(root):
    before = fingerprint(find_shards(str(root), "train"))
    write_split(root / "A" / "train", 11)
    assert fingerprint(find_shards(str(root), "train")) != before
