"""Sound files of any folder, as clips for a trained model."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor
from torch.utils.data import Dataset

from train.data.batch import Example, FixedClips
from train.data.shards import SPLITS, find_shards
from train.errors import BadInput
from train.towers.features import SAMPLE_RATE, clip_features

KINDS = frozenset({".aif", ".aiff", ".au", ".flac", ".mp3", ".ogg", ".opus", ".wav"})


class FolderClips(Dataset):
    """Sound files under a folder, sorted by name; the tag of each is the name of the folder it lies in."""

    def __init__(self, root: Path, fused: bool, paths: list[Path] | None = None):
        self.root, self.fused = root, fused
        self.paths = paths or sorted(p for p in root.rglob("*") if p.suffix.lower() in KINDS)
        if not self.paths:
            raise BadInput(f"{root} holds neither shards (<dataset>/<split>/sizes.json) nor sound files ({' '.join(sorted(KINDS))})")

    def __len__(self) -> int:
        return len(self.paths)

    def tags(self) -> list[tuple[str, ...]]:
        """Return the tag of each file."""
        return [(path.parent.name,) for path in self.paths]

    def __getitem__(self, index: int) -> Example | str:
        path = self.paths[index]
        try:
            features = clip_features(read_sound(path), self.fused)
        except (ValueError, soundfile.LibsndfileError) as error:
            return f"{path}: {error}"
        tag = path.parent.name
        return Example(str(path.relative_to(self.root)), str(path), features, tag, (tag,), (tag,))


def read_sound(path: Path) -> Tensor:
    """Read a sound file as mono (n_frames,) of 48 kHz."""
    frames, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = frames.mean(1)
    return torch.from_numpy(np.ascontiguousarray(soxr.resample(mono, rate, SAMPLE_RATE) if rate != SAMPLE_RATE else mono))


def open_clips(where: str, fused: bool, cache: Path, splits: tuple[str, ...] = tuple(SPLITS)) -> FixedClips | FolderClips:
    """Open the named splits of a set of shards, or else a folder of sound files."""
    shards = []
    for split in splits:
        try:
            shards += find_shards(where, split)
        except BadInput:
            continue  # a set need not have every split
    if shards:
        return FixedClips(shards, fused, cache)
    if not Path(where).is_dir():
        raise BadInput(f"{where} is no folder")
    return FolderClips(Path(where), fused)
