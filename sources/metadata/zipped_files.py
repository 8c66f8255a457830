"""Unpack single tables out of a publisher's zip into the cache: once for each content of the zip."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from sources.metadata.file_hash import file_sha256
from sources.metadata.needs import cache_folder

MAX_BYTES = 1 << 28  # of a member: the largest official table has 23 MB


def unpacked(archive: Path, member: str) -> Path:
    """Return a copy of a member of a zip, in the cache. The name of the member only looks it up; it never is a path to write to.

    Raises:
        ValueError: it is no zip, has no such member, or the member is damaged, encrypted or larger than `MAX_BYTES`.
    """
    folder = cache_folder() / "metadata" / f"unpacked-{file_sha256(archive)[:16]}"
    target = folder / PurePosixPath(member).name
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as file, tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
            try:
                info = file.getinfo(member)
                if info.file_size > MAX_BYTES:
                    raise ValueError(f"{member} has {info.file_size} bytes, at most {MAX_BYTES} are read")
                with file.open(info) as content:  # never gives more than file_size
                    shutil.copyfileobj(content, copy)
                copy.close()
                Path(copy.name).replace(target)
            finally:
                Path(copy.name).unlink(missing_ok=True)
    except KeyError as error:
        raise ValueError(f"{archive}: there is no {member} in this zip") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise ValueError(f"{archive}: {member} cannot be read out of this zip ({str(error)[:200]}); download it again") from error
    return target
