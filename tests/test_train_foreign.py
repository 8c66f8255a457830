"""Shards that other programs wrote, and sets that cannot be trained on."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import webdataset

from tests.train_runs import TINY, environment, losses
from tests.train_sets import CLASSES, flac, sound, write_set, write_shard, write_split
from train.data.samples import Clips, FixedClips
from train.data.shards import find_shards
from train.errors import BadInput
from train.fit import fit
from train.start import check_data

ENDINGS = {"wav": "WAV", "ogg": "OGG", "mp3": "MP3", "flac": "FLAC"}


def audio(ending: str, number: int) -> bytes:
    """Return a sound of 0.4 s of a rate and a number of channels that depend on its number."""
    rate, n_channels = (22_050, 48_000, 44_100)[number % 3], 1 + number % 2
    wave = sound(CLASSES[number % 4], 0.4, number)[: int(rate * 0.4)]
    file = io.BytesIO()
    soundfile.write(file, np.stack([wave] * n_channels, 1), rate, format=ENDINGS[ending])
    return file.getvalue()


def write_by_webdataset(folder, n, keys="{:06}"):
    """Write shards of 4 samples with ShardWriter: sounds of four kinds, captions in txt or as a string in JSON."""
    folder.mkdir(parents=True)
    with webdataset.ShardWriter(f"{folder}/{folder.name}-%05d.tar", maxcount=4, verbose=0) as writer:
        for i in range(n):
            ending = list(ENDINGS)[i % 4]
            text = {"txt": f"a {CLASSES[i % 4]}"} if i % 2 else {"json": {"text": f"a {CLASSES[i % 4]}"}}
            writer.write({"__key__": keys.format(i), ending: audio(ending, i)} | text)


def write_as_img2dataset(folder, n):
    """Write a shard as img2dataset does: the caption in txt and JSON, what is known of the download in JSON, and a table beside."""
    folder.mkdir(parents=True)
    with tarfile.open(folder / "00000.tar", "w") as tar:
        for i in range(n):
            caption = f"a {CLASSES[i % 4]}"
            about = {"url": "http://x", "caption": caption, "key": f"{i:09}", "status": "success", "error_message": None, "sha256": "0"}
            for ending, data in (("mp3", audio("mp3", i)), ("txt", caption.encode()), ("json", json.dumps(about).encode())):
                entry = tarfile.TarInfo(f"{i:09}.{ending}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    (folder / "00000_stats.json").write_text("{}")
    (folder / "00000.parquet").write_bytes(b"PAR1")


@pytest.fixture
def foreign(tmp_path):
    write_by_webdataset(tmp_path / "set" / "train", 9)
    write_as_img2dataset(tmp_path / "set" / "sounds_val", 5)
    return tmp_path / "set"


def test_tars_of_webdataset_and_img2dataset_train_as_they_are(foreign, tmp_path):
    fit(str(foreign), replace(TINY, steps=2, valid_every=2), environment(tmp_path))
    assert len(losses(tmp_path / "run")) == 2


def test_all_kinds_of_sounds_and_captions_are_read(foreign, tmp_path):
    train = Clips(find_shards(str(foreign), "train"), True, tmp_path)
    examples = [train[0, i] for i in range(len(train))]
    assert [(e.key, e.caption, e.broken) for e in examples] == [(f"{i:06}", f"a {CLASSES[i % 4]}", ()) for i in range(9)]
    valid = FixedClips(find_shards(str(foreign), "valid"), True, tmp_path)
    assert [valid[i].captions for i in range(5)] == [(f"a {CLASSES[i % 4]}",) for i in range(5)]
    assert {shard.dataset for shard in train.shards + valid.shards} == {"set", "sounds_val"}


def test_keys_are_paths_up_to_the_first_dot_of_the_name_as_in_webdataset(tmp_path):
    write_by_webdataset(tmp_path / "set" / "train", 4, keys="part.one/{}")
    write_by_webdataset(tmp_path / "set" / "more-train", 4, keys="part.two/{}")
    shards = find_shards(str(tmp_path / "set"), "train")
    ours = [member.key for _, member in Clips(shards, True, tmp_path).samples]
    theirs = []
    for shard in shards:
        with Path(shard.address).open("rb") as file:
            samples = webdataset.tariterators.group_by_keys(webdataset.tariterators.tar_file_expander([{"stream": file, "url": ""}]))
            theirs += [sample["__key__"] for sample in samples]
    assert ours == theirs == [f"part.{part}/{i}" for part in ("two", "one") for i in range(4)]


def test_without_sizes_a_split_is_named_by_folder_or_tar(tmp_path):
    for path in (
        "A/train/0.tar",
        "B_val/00000.tar",
        "C/c-train-000.tar",
        "C/c-valid-000.tar",
        "test-0.tar",
        "D/dev/0.tar",
        "D/validated/0.tar",
    ):
        write_shard(tmp_path / path, [("x", b"", {})])
    matches = {
        split: [shard.address.removeprefix(f"{tmp_path}/") for shard in find_shards(str(tmp_path), split)] for split in ("train", "valid")
    }
    assert matches == {"train": ["A/train/0.tar", "C/c-train-000.tar"], "valid": ["B_val/00000.tar", "C/c-valid-000.tar"]}
    assert [shard.dataset for shard in find_shards(str(tmp_path), "dev")] == ["D"]


def test_tars_without_a_split_are_named_with_the_remedy(tmp_path):
    write_shard(tmp_path / "00000.tar", [("x", b"", {})])
    with pytest.raises(BadInput, match=r"1 other tars, such as 00000.tar; put those of the split into a folder valid"):
        find_shards(str(tmp_path), "valid")


def test_folders_with_glob_signs_and_links_are_found(tmp_path):
    write_set(tmp_path / "br[1]*?" / "s")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "First").symlink_to(tmp_path / "br[1]*?" / "s" / "First")
    assert len(find_shards(str(tmp_path / "br[1]*?" / "s"), "train")) == 4
    assert len(find_shards(str(tmp_path / "linked"), "train")) == 3


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_split_whose_samples_are_all_broken_is_bad_input_before_a_model_is_built(tmp_path, split):
    root = write_set(tmp_path / "set")
    write_shard(root / "Third" / split / "0.tar", [(f"bad-{i}", b"no sound", {"text": ["x"]}) for i in range(3)])
    with pytest.raises(BadInput, match=rf"none of the 3 samples of Third, split '{split}', can be used, the first: bad-0"):
        check_data(str(root), TINY, tmp_path / "cache")


def test_a_split_with_a_good_sample_among_broken_ones_is_accepted(tmp_path):
    root = write_set(tmp_path / "set")
    bad = [(f"bad-{i}", b"no sound", {"text": ["x"]}) for i in range(9)]
    write_shard(root / "Third" / "valid" / "0.tar", [*bad, ("good", flac(sound("hum", 0.1, 0)), {"text": ["x"]})])
    assert len(check_data(str(root), TINY, tmp_path / "cache")[1]) == 14


def test_a_shard_without_samples_is_bad_input_that_names_what_it_holds(tmp_path):
    write_split(tmp_path / "A" / "valid", 2)
    (tmp_path / "A" / "train").mkdir()
    with webdataset.TarWriter(str(tmp_path / "A" / "train" / "0.tar")) as writer:
        writer.write({"__key__": "x", "jpg": b"", "txt": "a dog"})
    with pytest.raises(BadInput, match=r"0.tar holds no sample, which is KEY.flac .* its endings: jpg, txt"):
        check_data(str(tmp_path), TINY, tmp_path / "cache")


@pytest.mark.slow
def test_weights_of_datasets_and_origins_change_what_is_read_and_resume_exactly(tmp_path):
    root = write_set(tmp_path / "set")
    recipe = replace(TINY, dataset_weights={"First": 0.5, "Second": 3}, caption_weights={"human": 2}, steps=2, valid_every=1)
    fit(str(root), recipe, environment(tmp_path))
    (tmp_path / "run" / "step-0000002.pt").unlink()
    before = losses(tmp_path / "run")
    fit(str(root), recipe, environment(tmp_path), resume="yes")
    assert losses(tmp_path / "run") == before and len(before) == 2


def test_a_dataset_that_is_not_read_is_not_tried(tmp_path):
    write_split(tmp_path / "set" / "First" / "train", 4)
    write_split(tmp_path / "set" / "First" / "valid", 2)
    write_shard(tmp_path / "set" / "Broken" / "train" / "0.tar", [(f"{i}", b"", {"text": ["x"]}) for i in range(4)])
    check_data(str(tmp_path / "set"), replace(TINY, dataset_weights={"Broken": 0}), tmp_path)
    with pytest.raises(BadInput, match="none of the 4 samples of Broken, split 'train', can be used"):
        check_data(str(tmp_path / "set"), replace(TINY, dataset_weights={"Broken": 1}), tmp_path)
