"""The order of batches, and how examples are joined."""

from dataclasses import replace

import pytest
import torch

from tests.train_sets import write_shard, write_split
from train.data.batch import Collate, read_batches, text_id, train_loader
from train.data.order import Portion, samples_of_steps
from train.data.samples import Clips
from train.data.shards import find_shards
from train.errors import Stopped
from train.towers.tokenizer import train_tokenizer


@pytest.fixture
def clips(tmp_path):
    write_split(tmp_path / "set" / "A" / "train", 7)
    return Clips(find_shards(str(tmp_path / "set"), "train"), True, tmp_path / "cache", seed=5)


@pytest.fixture
def collate(clips):
    return Collate(train_tokenizer(clips.all_captions(), 300, 77), 77)


def test_workers_change_no_batch(clips, collate):
    plan = list(samples_of_steps([Portion(0, len(clips), len(clips))], 3, 5, 0, 4))
    without, with_workers = (list(train_loader(clips, plan, collate, workers)) for workers in (0, 2))
    for first, second in zip(without, with_workers, strict=True):
        assert torch.equal(first.mel, second.mel) and torch.equal(first.ids, second.ids) and torch.equal(first.longer, second.longer)


def test_a_batch_holds_its_examples_in_order(clips, collate):
    examples = [clips[0, 2], replace(clips[0, 0], broken=("first", "second")), replace(clips[0, 1], broken=("third",))]
    batch = collate(examples)
    assert all(torch.equal(mel, example.features.mel) for mel, example in zip(batch.mel, examples, strict=True))
    assert batch.longer.tolist() == [True, False, False]
    assert batch.caption.tolist() == [text_id(example.caption) for example in examples]
    assert batch.broken == ("first", "second", "third")


def test_text_is_padded_to_the_longest_caption_and_cut_at_the_context(clips, collate):
    batch = collate([clips[0, 0], replace(clips[0, 1], caption="rain")])
    assert batch.ids.shape == batch.mask.shape
    assert batch.mask.sum(1).max() == batch.ids.shape[1] < 77
    assert replace(collate, context=4)([clips[0, 0]]).ids.shape == (1, 4)


def test_texts_that_differ_only_in_case_and_spaces_share_a_number():
    assert text_id("A dog ") == text_id("a dog") != text_id("a cat")
    numbers = [text_id(str(i)) for i in range(50)]
    assert min(numbers) >= 0 and 2**62 < max(numbers) < 2**63 and len({number % 2 for number in numbers}) == 2


@pytest.mark.parametrize("workers", [0, 1])
def test_what_stops_a_run_is_reported_without_the_traceback_of_a_worker(tmp_path, collate, workers):
    bad = [(f"bad-{i}", b"", {"text": ["x"]}) for i in range(60)]
    write_shard(tmp_path / "B" / "train" / "0.tar", bad)
    loader = train_loader(Clips(find_shards(str(tmp_path / "B"), "train"), True, tmp_path), [[(0, 0)]], collate, workers)
    with pytest.raises(Stopped, match=r"\Amore than 20 samples in a row are broken, the last: .*\Z"):
        list(read_batches(loader))
