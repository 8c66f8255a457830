"""Define the folders on this disk that the rows of a recipe may name files in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.records import Clip
from sources.metadata.folder_files import is_below
from sources.metadata.local_paths import SCHEME
from sources.metadata.store_files import join


@dataclass(frozen=True, slots=True)
class LocalFolders:
    """Folders on this disk that rows may name files in.

    `base` is the folder of the recipe, where relative paths start. `tables` has (dataset, folder) for each folder that the paths in a
    table of the dataset start from, and `others` the folders that `local_files` of the recipe allows. `remote` are the addresses of
    folders in object stores that it names. `address` is that of `base`, for a recipe that lies in a store.
    """

    base: Path
    tables: tuple[tuple[str, Path], ...] = ()
    others: tuple[Path, ...] = ()
    remote: tuple[str, ...] = ()
    address: str | None = None

    def root_address(self, text: str) -> str:
        """Return an `audio_root` as the recipe has it, or its address where it is a path of a recipe that lies in a store."""
        return text if self.address is None or SCHEME.match(text) else join(self.address, text)

    @property
    def allowed(self) -> tuple[Path, ...]:
        """All these folders, absolute."""
        return tuple(dict.fromkeys(Path(_absolute(path)) for path in (self.base, *(path for _, path in self.tables), *self.others)))

    def given_path(self, clip: Clip, root: Path) -> str:
        """Return the path of a clip as its table has it, or relative to `root` where it lies there."""
        path = _absolute(self.base / clip.url)
        folders = [root, *(folder for dataset, folder in self.tables if dataset == clip.dataset)]
        above = map(_absolute, folders)
        nearest = max((folder for folder in above if is_below(path, [folder])), key=len, default=None)
        return os.path.relpath(path, nearest) if nearest is not None else clip.url


def _absolute(path: Path) -> str:
    return os.path.normpath(path.absolute())
