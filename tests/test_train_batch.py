"""Batches are a function of (seed, step), whatever reads them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.test_train_folder import flac, sound, write_shard, write_split
from train.data.batch import BrokenSample, Clips, Collate, FixedClips, batch_plan, choose_texts, decode, text_id, train_loader
from train.data.shards import find_shards
from train.errors import BadInput
from train.towers.tokenizer import train_tokenizer


@pytest.fixture
def clips(tmp_path):
    write_split(tmp_path / "set" / "A" / "train", 7)
    return Clips(find_shards(str(tmp_path / "set"), "train"), True, tmp_path / "cache", seed=5)


def read(clips, plan, workers=0):
    collate = Collate(train_tokenizer(clips.all_captions(), 300, 77), 77)
    return list(train_loader(clips, plan, collate, workers))


def test_the_order_is_another_each_epoch_and_each_epoch_is_whole():
    steps = list(batch_plan(10, 5, seed=1, first=0, last=4))
    epochs = [[i for step in steps[:2] for _, i in step], [i for step in steps[2:] for _, i in step]]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
    assert epochs[0] != epochs[1]  # the reference repeats the same batches each epoch
    assert {epoch for step in steps for epoch, _ in step} == {0, 1}


def test_the_plan_can_be_entered_at_any_step():
    assert list(batch_plan(11, 3, 1, 0, 9))[4:] == list(batch_plan(11, 3, 1, 4, 9))


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_share_each_step_of_the_one_plan_equally(world_size):
    whole = list(batch_plan(18, 8, 3, 0, 5))
    parts = [list(batch_plan(18, 8, 3, 0, 5, rank, world_size)) for rank in range(world_size)]
    assert [[item for part in step for item in part] for step in zip(*parts, strict=True)] == whole
    assert {len(step) for part in parts for step in part} == {8 // world_size}


def test_another_seed_gives_another_order():
    assert list(batch_plan(20, 4, 1, 0, 5)) != list(batch_plan(20, 4, 2, 0, 5))


def test_workers_change_nothing(clips):
    plan = list(batch_plan(len(clips), 3, 5, 0, 4))
    for alone, helped in zip(read(clips, plan), read(clips, plan, workers=2), strict=True):
        assert torch.equal(alone.mel, helped.mel) and torch.equal(alone.ids, helped.ids) and torch.equal(alone.longer, helped.longer)


def test_caption_and_cuts_are_drawn_by_seed_epoch_and_key(clips):
    assert clips[0, 3].caption == clips[0, 3].caption
    drawn = {clips[epoch, 3].caption for epoch in range(12)}
    assert drawn == set(clips[0, 3].captions)
    long = 2  # of 11 s
    assert torch.equal(clips[0, long].features.mel, clips[0, long].features.mel)
    assert not torch.equal(clips[0, long].features.mel, clips[1, long].features.mel)


def test_evaluation_cuts_are_always_the_same(tmp_path, clips):
    fixed = FixedClips(clips.shards, True, tmp_path)
    assert torch.equal(fixed[2].features.mel, fixed[2].features.mel)
    assert fixed[2].caption == fixed[2].captions[0]


def test_text_is_padded_to_the_longest_of_the_batch(clips):
    batch = read(clips, [[(0, 0), (0, 1)]])[0]
    assert batch.ids.shape == batch.mask.shape
    assert batch.mask.sum(1).max() == batch.ids.shape[1] < 77


@pytest.mark.parametrize(("texts", "chosen"), [("text", ["a", "b"]), ("all", ["a", "b", "t5"]), ("augment_only", ["t5"])])
def test_text_choice_is_that_of_the_reference(texts, chosen):
    sample = {"text": ["a", "b"], "text_augment_all": ["a", "b", "t5"], "text_augment_t5": "t5"}
    assert choose_texts(sample, texts) == chosen
    assert choose_texts({"text": "plain", "text_augment_all": None, "text_augment_t5": None}, texts) == ["plain"]


def broken_set(tmp_path):
    good = flac(sound("hum", 1, 0))
    text = {"text": ["x"], "tag": []}
    samples = [
        ("good", good, text),
        ("cut", good[: len(good) // 2], text),
        ("rate", flac(sound("hum", 1, 0), 44_100), text),
        ("empty", flac(sound("hum", 0, 0)), text),
        ("textless", good, {"text": [], "tag": []}),
        ("fine", good, text),
    ]
    write_shard(tmp_path / "set" / "A" / "train" / "0.tar", samples)
    (tmp_path / "set" / "A" / "train" / "sizes.json").write_text(json.dumps({"0.tar": len(samples)}))
    return find_shards(str(tmp_path / "set"), "train")


def test_a_broken_sample_is_named_and_replaced_so_that_batches_stay_full(tmp_path):
    clips = Clips(broken_set(tmp_path), True, tmp_path)
    examples = [clips[0, i] for i in range(len(clips))]
    assert all(example.key in ("good", "fine") for example in examples)
    named = " ".join(name for example in examples for name in example.broken)
    assert all(key in named for key in ("cut", "rate", "empty", "textless"))
    assert "44100 Hz" in named and "no text" in named


def test_a_broken_sample_is_left_out_of_evaluation(tmp_path):
    fixed = FixedClips(broken_set(tmp_path), True, tmp_path)
    assert [isinstance(fixed[i], str) for i in range(len(fixed))] == [False, True, True, True, True, False]


def test_nothing_but_broken_samples_ends_the_search(tmp_path):
    write_shard(tmp_path / "A" / "train" / "0.tar", [("bad", b"", {"text": ["x"]})])
    (tmp_path / "A" / "train" / "sizes.json").write_text('{"0.tar": 1}')
    with pytest.raises(BadInput, match="broken"):
        Clips(find_shards(str(tmp_path), "train"), True, tmp_path)[0, 0]


def test_without_fusion_only_the_cut_is_decoded():
    ramp = (np.arange(600_000) % 30_000 / 32_768).astype(np.float32)
    whole = decode(flac(ramp), True, None)
    centre = decode(flac(ramp), False, None)
    assert len(centre) == 480_000
    assert torch.equal(centre, whole[60_000:540_000])
    drawn = decode(flac(ramp), False, np.random.default_rng(1))
    assert len(drawn) == 480_000 and not torch.equal(drawn, centre)


def test_captions_are_read_without_audio(clips):
    assert len(list(clips.all_captions())) == 14


def test_equal_texts_share_a_number():
    assert text_id("A dog ") == text_id("a dog") != text_id("a cat")
    assert 0 <= text_id("x") < 2**63


def test_a_sample_without_readable_json_is_broken(clips):
    shard, member = clips.places[0]
    data = bytearray(Path(shard.address).read_bytes())
    data[member.json_at] = ord("?")
    Path(shard.address).write_bytes(data)
    with pytest.raises(BrokenSample, match=member.key):
        clips.example(0, 0)
