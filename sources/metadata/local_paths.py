"""Tell paths on this disk from addresses, and find files whose names are written differently than in a table."""

from __future__ import annotations

import os
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from sources.metadata.file_names import FORMS, ambiguous, parts_of
from sources.metadata.folder_files import is_below
from sources.metadata.store_files import is_in_store, join

ADDRESS = re.compile(r"(?:https?|bundled|parquet):", re.IGNORECASE)
"""The beginnings of addresses that are fetched; no name of a file begins so."""
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two characters at least: `C:` is a drive


def url_of(cell: str, folder: str, base: Path, exact: bool = False) -> str:
    """Return the address in a cell; a path as a normal path relative to the folder of the recipe.

    Blanks around a cell belong to it only when a file of that exact name is there. A name that begins like an address of another
    scheme, such as "Scene: night.wav", is a path when the file is there.

    Args:
        folder: folder that relative paths of the table start from, relative to `base`, or its address in a store.
        base: folder of the recipe.
        exact: keep blanks around a path: the names of `audio_root` decide.
    """
    text = cell.strip()
    if not text or ADDRESS.match(text):
        return text
    has_scheme = SCHEME.match(text) is not None
    if is_in_store(folder):
        return text if has_scheme or text.startswith("/") else join(folder, cell if exact else text)
    for given in (cell, text):
        path = os.path.normpath(given if given.startswith("/") else f"{folder}/{given}")
        if (has_scheme or given != text) and is_there(base / path):
            return path
    if has_scheme:
        return text  # for the books: an address that is not fetched
    return os.path.normpath(f"{folder}/{cell}") if exact and not text.startswith("/") else path


def is_there(path: Path) -> bool:
    """Return whether there is a file, a folder or a link at a path."""
    try:
        return os.path.lexists(path)
    except ValueError:  # a NUL
        return False


class FolderListings:
    """Finds files by names in other forms. Folders are listed once, and again after they changed. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listings: dict[tuple[str, int], tuple[int, dict[str, list[str]]]] = {}

    def find(self, path: Path, below: Sequence[Path]) -> Path | None:
        """Return the file at `path`, or the file that has this path in another form; `None` when there is none.

        Args:
            below: folders that may be searched.

        Raises:
            Rejected: `ambiguous`, when several files have this path in the same form.
        """
        wanted = os.path.normpath(path)
        if is_there(Path(wanted)):
            return Path(wanted)
        folder = max((os.fspath(folder) for folder in below if is_below(wanted, [os.fspath(folder)])), key=len, default=None)
        if folder is None or "\0" in wanted:
            return None
        for number, form in enumerate(FORMS[1:], 1):
            target = os.path.normpath(f"{folder}/{form(os.path.relpath(wanted, folder))}")  # `\` may have become `/`
            if not is_below(target, [folder]):
                continue
            result = [folder]
            for part in parts_of(os.path.relpath(target, folder), form):
                result = [f"{above}/{name}" for above in result for name in self._listing(above, number, form).get(part, [])]
            files = [name for name in result if Path(name).is_file()]
            if len(files) > 1:
                raise ambiguous(os.path.relpath(wanted, folder), [os.path.relpath(name, folder) for name in files])
            if files:
                return Path(files[0])
        return None

    def _listing(self, folder: str, number: int, form: Callable[[str], str]) -> dict[str, list[str]]:
        """Return the names in a folder by their form; none when it cannot be listed."""
        try:
            changed = Path(folder).stat().st_mtime_ns
            with self._lock:
                known = self._listings.get((folder, number))
                if known is None or known[0] != changed:
                    names: dict[str, list[str]] = defaultdict(list)
                    for path in sorted(Path(folder).iterdir()):
                        names[form(path.name)].append(path.name)
                    known = self._listings[folder, number] = changed, dict(names)
            return known[1]
        except OSError:
            return {}
