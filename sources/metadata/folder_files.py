"""List the files of a folder. Links to folders are followed inside the folders that a recipe allows, and never in a circle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

OUTSIDE = "a link that leads out of the folders of the recipe; local_files allows others"
INSIDE = "a link to a folder that is read under its own name"
UNREADABLE = "may not be read by this user"
NOT_A_FILE = "a pipe, a device or a link to nothing"


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder by their paths relative to it, sorted; `left_out` has (path, why) of what was not followed or read."""

    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def is_below(path: str, folders: Sequence[str]) -> bool:
    """Return whether a path is one of some folders or lies below one. All are resolved: absolute and without links.

    >>> is_below("/data/a/b.wav", ["/data/a"]), is_below("/data/ab.wav", ["/data/a"])
    (True, False)
    """
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def list_folder(root: Path, allowed: Sequence[Path] = ()) -> FolderFiles:
    """Return all files below `root`.

    Args:
        allowed: folders outside of `root` that links may lead to.

    Raises:
        OSError: `root` cannot be listed.
    """
    return _Walk(root, [os.path.realpath(folder) for folder in allowed]).run()


@dataclass
class _Walk:
    root: Path
    allowed: list[str]
    names: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def run(self) -> FolderFiles:
        root = os.path.realpath(self.root)
        links = self._read("", root, must_exist=True)
        while links:  # after all folders below the root, so that a folder is read under its own name
            name, target = links.pop(0)
            if is_below(target, [root, *self.seen]):
                self.left_out.append((name, INSIDE))
            elif is_below(root, [target]) or not is_below(target, self.allowed):
                self.left_out.append((name, OUTSIDE))
            else:
                links += self._read(name, target)
        return FolderFiles(tuple(sorted(self.names)), tuple(sorted(self.left_out)))

    def _read(self, name: str, path: str, must_exist: bool = False) -> list[tuple[str, str]]:
        """Note the files of a folder and of all folders below it; return the links to folders, as (name, resolved target), sorted."""
        folders, links = [(name, path)], []
        self.seen.add(path)
        while folders:
            name, path = folders.pop()
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        below = f"{name}/{entry.name}" if name else entry.name
                        if entry.is_dir(follow_symlinks=False):
                            folders.append((below, entry.path))
                        elif entry.is_dir():
                            links.append((below, os.path.realpath(entry.path)))
                        elif entry.is_file():
                            self.names.append(below)
                        else:
                            self.left_out.append((below, NOT_A_FILE))
            except OSError:
                if must_exist:
                    raise
                self.left_out.append((name, UNREADABLE))
            must_exist = False
        return sorted(links)
