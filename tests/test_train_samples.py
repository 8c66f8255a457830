"""Samples of shards as examples; samples that cannot be used."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.test_train_sample_text import BAD_TEXTS
from tests.train_sets import flac, sound, write_shard, write_split
from train.data.convert import check_waveform
from train.data.samples import BrokenSample, Clips, FixedClips
from train.data.shards import find_shards
from train.errors import Stopped

LONG = 2  # the index of a sample of 11 s


@pytest.fixture
def clips(tmp_path):
    write_split(tmp_path / "set" / "A" / "train", 7)
    return Clips(find_shards(str(tmp_path / "set"), "train"), True, tmp_path / "cache", seed=5)


def damage_json(clips, index):
    """Make the JSON of a sample unreadable."""
    shard, member = clips.samples[index]
    data = bytearray(Path(shard.address).read_bytes())
    data[member.text_start] = ord("?")
    Path(shard.address).write_bytes(data)


def test_an_example_holds_what_its_sample_holds(clips):
    example = clips[0, 1]
    assert (example.key, example.tags, example.broken) == ("train-001", ("hiss",), ())
    assert example.path == clips.samples[1][0].address
    assert example.captions == ("a hiss", "the sound of hiss number 1")


def test_caption_and_cuts_are_drawn_by_seed_epoch_and_key(clips, tmp_path):
    other_seed = Clips(clips.shards, True, tmp_path / "cache", seed=6)
    assert {clips[epoch, 3].caption for epoch in range(12)} == set(clips[0, 3].captions)
    assert [clips[epoch, 3].caption for epoch in range(12)] == [clips[epoch, 3].caption for epoch in range(12)]
    assert [clips[epoch, 3].caption for epoch in range(12)] != [other_seed[epoch, 3].caption for epoch in range(12)]
    assert [clips[epoch, 3].caption[:3] for epoch in range(12)] != [clips[epoch, 4].caption[:3] for epoch in range(12)]
    first = clips[0, LONG].features.mel
    assert torch.equal(first, clips[0, LONG].features.mel)
    assert not torch.equal(first, clips[1, LONG].features.mel)
    assert not torch.equal(first, other_seed[0, LONG].features.mel)


def test_evaluation_takes_the_first_caption_and_the_middle_cuts_whatever_the_seed(tmp_path, clips):
    first, second = (FixedClips(clips.shards, True, tmp_path, seed=seed) for seed in (0, 1))
    assert torch.equal(first[LONG].features.mel, second[LONG].features.mel)
    assert torch.equal(first[LONG].features.mel, clips.example(-1, LONG).features.mel)
    assert first[LONG].caption == first[LONG].captions[0]


def broken_set(tmp_path):
    good = flac(sound("hum", 1, 0))
    text = {"text": ["x"], "tag": []}
    samples = [
        ("good", good, text),
        ("cut", good[: len(good) // 2], text),
        ("page", b"<html>404</html>", text),
        ("short", flac(sound("hum", 1, 0), 44_100)[:-900], text),
        ("empty", flac(sound("hum", 0, 0)), text),
        ("textless", good, {"text": [], "tag": []}),
        ("fine", good, text),
    ]
    write_shard(tmp_path / "set" / "A" / "train" / "0.tar", samples)
    (tmp_path / "set" / "A" / "train" / "sizes.json").write_text(json.dumps({"0.tar": len(samples)}))
    return find_shards(str(tmp_path / "set"), "train")


def test_a_broken_sample_is_replaced_by_one_half_an_epoch_away_that_names_it(tmp_path):
    clips = Clips(broken_set(tmp_path), True, tmp_path)
    examples = [clips[0, i] for i in range(len(clips))]
    replaced = [(example.key, [message.partition(" ")[0] for message in example.broken]) for example in examples]
    assert replaced == [  # of 7 samples: always 4 further
        ("good", []),
        ("fine", ["cut", "textless", "page"]),
        ("fine", ["page"]),
        ("good", ["short"]),
        ("fine", ["empty", "cut", "textless", "page"]),
        ("fine", ["textless", "page"]),
        ("fine", []),
    ]


def test_the_message_of_a_broken_sample_gives_the_reason(tmp_path):
    clips = FixedClips(broken_set(tmp_path), True, tmp_path)
    messages = {clips.samples[i][1].key: clips[i] for i in range(len(clips)) if isinstance(clips[i], str)}
    assert list(messages) == ["cut", "page", "short", "empty", "textless"]
    assert all(message.startswith(f"{key} in {clips.shards[0].address}: ") for key, message in messages.items())
    assert "cannot be decoded" in messages["page"] and "decoded" in messages["short"]
    assert messages["textless"].endswith("no text")


def write_broken_then_good(folder, n_broken):
    bad = [(f"bad-{i:02}", b"", {"text": ["x"]}) for i in range(n_broken)]
    write_shard(folder / "A" / "train" / "0.tar", [*bad, ("good", flac(sound("hum", 0.1, 0)), {"text": ["x"]})])
    (folder / "A" / "train" / "sizes.json").write_text(json.dumps({"0.tar": n_broken + 1}))
    return Clips(find_shards(str(folder), "train"), True, folder)


def test_more_than_20_broken_samples_in_a_row_stop_the_run(tmp_path):
    clips = write_broken_then_good(tmp_path / "few", 20)
    assert max(len(clips[0, i].broken) for i in range(21)) == 20
    with pytest.raises(Stopped, match=r"more than 20 samples in a row are broken, the last: bad-"):
        clips = write_broken_then_good(tmp_path / "many", 40)
        [clips[0, i] for i in range(41)]


def test_captions_and_tags_are_read_without_audio(clips, tmp_path):
    assert len(list(clips.all_captions())) == 14
    assert clips.tags()[:2] == [("hum",), ("hiss",)]
    assert len(Clips(broken_set(tmp_path), True, tmp_path).tags()) == 6


def test_a_sample_with_unreadable_json_is_broken_and_has_no_caption(clips):
    damage_json(clips, 0)
    with pytest.raises(BrokenSample, match="train-000 in "):
        clips.example(0, 0)
    assert len(list(clips.all_captions())) == 12


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_audio_of_floats_that_is_no_sound_is_refused(value):
    waveform = sound("hum", 1, 0)
    waveform[7] = value
    with pytest.raises(ValueError, match=r"its loudest frame is (nan|inf|1e\+30) of full scale"):
        check_waveform(waveform)


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_bad_text_is_a_broken_sample_that_is_replaced_and_named(tmp_path, text):
    samples = [("bad", flac(sound("hum", 0.1, 0)), text), *((f"good-{i}", flac(sound("hum", 0.1, i)), {"text": ["x"]}) for i in range(2))]
    write_shard(tmp_path / "set" / "A" / "train" / "0.tar", samples)
    (tmp_path / "set" / "A" / "train" / "sizes.json").write_text(json.dumps({"0.tar": 3}))
    clips = Clips(find_shards(str(tmp_path / "set"), "train"), True, tmp_path / "cache")
    example = clips[0, 0]
    assert example.key.startswith("good") and example.broken[0].startswith("bad in ")
    assert list(clips.all_captions()) == ["x", "x"] and clips.tags() == [(), ()]


def test_a_broken_sample_is_replaced_by_one_of_its_dataset(tmp_path):
    good = [(f"good-{i}", flac(sound("hum", 0.1, i)), {"text": ["x"]}) for i in range(2)]
    for dataset, n_broken in (("A", 0), ("B", 3), ("C", 0)):
        bad = [(f"bad-{i}", b"", {"text": ["x"]}) for i in range(n_broken)]
        write_shard(tmp_path / dataset / "train" / "0.tar", [*bad, *good])
    clips = Clips(find_shards(str(tmp_path), "train"), True, tmp_path)
    examples = [clips[0, i] for i in range(len(clips))]
    assert [Path(e.path).parts[-3] for e in examples] == [*"AA", *"BBBBB", *"CC"]
    assert [len(e.broken) > 0 for e in examples] == [False] * 2 + [True] * 3 + [False] * 4


def test_of_two_samples_one_replaces_the_other(tmp_path):
    clips = write_broken_then_good(tmp_path, 1)
    assert [clips[0, i].key for i in (0, 1)] == ["good", "good"]
