"""Sound files of any folder; and the maker of small sets that the other tests of the trainer use."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from train.data.folder import FolderClips, open_clips, read_sound
from train.errors import BadInput

torch.set_num_threads(1)  # tests share their cores with others; waiting threads spin
RATE = 48_000
CLASSES = ("hum", "hiss", "chirp", "clicks")


def sound(kind: str, seconds: float, seed: int) -> np.ndarray:
    """Synthesise (n_frames,) of 48 kHz that sounds like its class."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    wave = {
        "hum": lambda: np.sin(2 * np.pi * rng.uniform(90, 130) * t),
        "hiss": lambda: rng.normal(0, 0.5, n),
        "chirp": lambda: np.sin(2 * np.pi * (500 + 2500 * (t * rng.uniform(1, 2) % 1)) * t),
        "clicks": lambda: (np.arange(n) % int(RATE * rng.uniform(0.2, 0.3)) < 60) * 1.0,
    }[kind]()
    return (0.4 * wave).astype(np.float32)


def flac(waveform: np.ndarray, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def write_shard(path: Path, samples: list[tuple[str, bytes, dict]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for key, audio, text in samples:
            for name, data in ((f"{key}.flac", audio), (f"{key}.json", json.dumps(text).encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))


def write_split(folder: Path, n: int, per_shard: int = 5, seconds: tuple[float, ...] = (0.3, 2.0, 11.0), seed: int = 0) -> None:
    """Write n samples of the classes in turn as shards of `folder`, with sizes.json."""
    samples = []
    for i in range(n):
        kind = CLASSES[i % len(CLASSES)]
        text = {"text": [f"a {kind}", f"the sound of {kind} number {i}"], "tag": [kind], "text_augment_all": None, "text_augment_t5": None}
        samples.append((f"{folder.name}-{i:03}", flac(sound(kind, seconds[i % len(seconds)], seed + i)), text))
    sizes = {}
    for at in range(0, n, per_shard):
        write_shard(folder / f"{at // per_shard}.tar", samples[at : at + per_shard])
        sizes[f"{at // per_shard}.tar"] = len(samples[at : at + per_shard])
    (folder / "sizes.json").write_text(json.dumps(sizes))


def write_set(root: Path, train: int = 12, valid: int = 4, test: int = 4) -> Path:
    """Write two datasets; the second has only a training split."""
    for split, n in (("train", train), ("valid", valid), ("test", test)):
        write_split(root / "First" / split, n, seed=len(split))
    write_split(root / "Second" / "train", 4, seed=99)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in CLASSES[:2]:
        for i in range(3):
            path = tmp_path / "sounds" / kind / f"{i}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound(kind, 0.5, i), RATE)
    return tmp_path / "sounds"


def test_stereo_of_another_rate_becomes_mono_of_48_khz(tmp_path):
    left = sound("hum", 1.0, 0)[::2]
    soundfile.write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], 1), 24_000)
    read = read_sound(tmp_path / "a.wav")
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
