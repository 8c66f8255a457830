"""Write files so that readers see all of a file or nothing of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing. When the block ends, it is flushed to disk and renamed to `path`.

    If the block raises, `path` stays as it was. Of several writers at the same time, the last to finish wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".", suffix=".part") as folder:
        with (Path(folder) / path.name).open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        (Path(folder) / path.name).replace(path)
