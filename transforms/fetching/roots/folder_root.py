"""Search a folder of recordings on this disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sources.metadata.file_names import FileNames, is_made_by_macos


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """A folder of recordings. `left_out` has (name, why) of links that are not followed and folders that may not be read."""

    path: Path
    names: FileNames
    left_out: tuple[tuple[str, str], ...] = ()
    evidence: None = None

    def find(self, path: str, is_address: bool) -> str | None:
        """Return the name of the file that a path means; `None` without one. A path may lead through linked folders."""
        is_relative = path and not path.startswith(("/", ".."))
        if not is_address and is_relative and path not in self.names.names and is_file(self.path / path) and not is_made_by_macos(path):
            return path
        return self.names.find(path, is_address)

    def local_file(self, name: str) -> Path:
        """Return the file."""
        return self.path / name

    def extract(self, name: str, work: Path) -> Path:
        """Return the file itself."""
        return self.path / name


def is_file(path: Path) -> bool:
    """Return whether there is a file at a path; not where no file can have it."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long; a NUL
        return False
