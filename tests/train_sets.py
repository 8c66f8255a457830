"""Small sets for the tests of the trainer: synthetic sounds of four classes, as FLAC, in shards as a build writes them."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import soundfile
import torch

torch.set_num_threads(1)  # tests share their cores with others; waiting threads use CPU time
RATE = 48_000
CLASSES = ("hum", "hiss", "chirp", "clicks")


def sound(kind: str, seconds: float, seed: int) -> np.ndarray:
    """Synthesise a sound of a class: (n_frames,) float32 of 48 kHz, within -1 and 1 but for hiss."""
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
    """Encode as FLAC of 16 bits."""
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def write_shard(path: Path, samples: list[tuple[str, bytes, dict]]) -> None:
    """Write a tar of (key, FLAC, JSON)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for key, audio, text in samples:
            for name, data in ((f"{key}.flac", audio), (f"{key}.json", json.dumps(text).encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))


def write_split(folder: Path, n: int, per_shard: int = 5, seconds: tuple[float, ...] = (0.3, 2.0, 11.0), seed: int = 0) -> None:
    """Write n samples, the classes in turn, as shards of `folder` with sizes.json."""
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
    """Write two datasets. The second has only a training split, of 4 samples."""
    for split, n in (("train", train), ("valid", valid), ("test", test)):
        write_split(root / "First" / split, n, seed=len(split))
    write_split(root / "Second" / "train", 4, seed=99)
    return root


def write_datasets(root: Path) -> Path:
    """Write the training shards of two datasets, and the test shards of one, with names of AudioSet's splits; return the root."""
    write_split(root / "A" / "train", 12)
    write_split(root / "B" / "balanced_train", 2)
    write_split(root / "B" / "eval", 3)
    return root


def write_folder(root: Path) -> Path:
    """Write three sound files of 0.5 s for each of two classes, one folder a class."""
    for kind in CLASSES[:2]:
        (root / kind).mkdir(parents=True)
        for i in range(3):
            soundfile.write(root / kind / f"{i}.wav", sound(kind, 0.5, i), RATE)
    return root
