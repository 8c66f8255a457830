"""Write files so that readers see all of a file or nothing of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from safetensors import SafetensorError


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


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise OSError where a library cannot write to `folder`, as on a full disk. tokenizers raises Exception itself."""
    try:
        yield
    except Exception as error:
        if type(error) not in (Exception, SafetensorError):
            raise
        raise OSError(f"{folder} cannot be written: {error}") from error
