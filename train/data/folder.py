"""Sound files of any folder, as clips for a trained model."""

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from train.data.convert import convert
from train.data.members import AUDIO
from train.data.samples import Example, FixedClips
from train.data.shards import SPLITS, find_shards
from train.errors import BadInput
from train.towers.features import clip_features

SUFFIXES = frozenset(f".{ending.decode()}" for ending in AUDIO)


class FolderClips(Dataset):
    """Sound files below a folder, sorted by path. The tag of a file is the name of its folder. An unreadable file is its message."""

    def __init__(self, root: Path, fused: bool, paths: list[Path] | None = None):
        self.root, self.fused = root, fused
        self.paths = paths or sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)
        if not self.paths:
            raise BadInput(f"{root} holds neither shards (<dataset>/<split>/sizes.json) nor sound files ({' '.join(sorted(SUFFIXES))})")

    def __len__(self) -> int:
        return len(self.paths)

    def tags(self) -> list[tuple[str, ...]]:
        """Return the tag of each file."""
        return [(path.parent.name,) for path in self.paths]

    def versions(self) -> list[tuple[str, int, int]]:
        """Return path, size in bytes and time of the last change of each file."""
        return [(str(path), stat.st_size, stat.st_mtime_ns) for path in self.paths for stat in [path.stat()]]

    def __getitem__(self, index: int) -> Example | str:
        path = self.paths[index]
        try:
            features = clip_features(read_audio(path), self.fused)
        except (ValueError, OSError) as error:
            return f"{path}: {error}"
        tag = path.parent.name
        return Example(str(path.relative_to(self.root)), str(path), features, tag, (tag,), (tag,))


def read_audio(path: Path) -> Tensor:
    """Read a sound file and convert it to mono 48 kHz, as a build does: (n_frames,) float32. Raise ValueError if it cannot be used."""
    return torch.from_numpy(convert(path.read_bytes()))


def open_clips(root: str, fused: bool, cache: Path, splits: tuple[str, ...] = tuple(SPLITS)) -> FixedClips | FolderClips:
    """Open the given splits of a set of shards. If root has no shards, open it as a folder of sound files."""
    shards = []
    for split in splits:
        try:
            shards += find_shards(root, split)
        except BadInput:
            continue  # a set need not have every split
    if shards:
        return FixedClips(shards, fused, cache)
    if not Path(root).is_dir():
        raise BadInput(f"{root} is no folder; give shards or a folder of sound files")
    return FolderClips(Path(root), fused)
