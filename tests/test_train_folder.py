"""Folders of sound files, and the choice between shards and a folder."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.train_sets import RATE, sound, write_folder, write_split
from train.data.folder import FolderClips, open_clips, read_audio
from train.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "sounds")


def test_stereo_of_another_rate_becomes_mono_of_48_khz(tmp_path):
    left = sound("hum", 1.0, 0)[::2]
    soundfile.write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], 1), 24_000)
    read = read_audio(tmp_path / "a.wav")
    assert read.dtype == torch.float32
    assert abs(len(read) - RATE) <= 2
    assert read.abs().max() < 0.25  # the mean of both channels


def test_the_tag_of_a_file_is_its_folder_and_unreadable_files_are_named(folder):
    (folder / "hum" / "bad.wav").write_bytes(b"not a sound")
    clips = FolderClips(folder, fused=True)
    items = [clips[i] for i in range(len(clips))]
    assert [item.tags for item in items if not isinstance(item, str)] == [("hiss",)] * 3 + [("hum",)] * 3
    assert [Path(item.partition(": ")[0]).name for item in items if isinstance(item, str)] == ["bad.wav"]


def test_a_folder_with_neither_shards_nor_sounds_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="neither shards"):
        open_clips(str(tmp_path), True, tmp_path)


def test_shards_are_preferred_and_all_splits_are_opened(tmp_path):
    write_split(tmp_path / "A" / "train", 2)
    write_split(tmp_path / "A" / "test", 1)
    assert len(open_clips(str(tmp_path), True, tmp_path)) == 3


def test_files_are_found_by_every_ending_that_shards_may_hold(tmp_path):
    for name in ("a.m4a", "b.OGA", "c.aac", "d.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in FolderClips(tmp_path, True).paths] == ["a.m4a", "b.OGA", "c.aac"]
