"""Files that appear under their name whole, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that becomes `path` when all of it is on the disk; of several writers at once the last one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".", suffix=".part") as folder:
        with (Path(folder) / path.name).open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        (Path(folder) / path.name).replace(path)
