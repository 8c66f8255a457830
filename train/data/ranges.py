"""Parts of remote files, fetched by range and kept on disk; from servers that know no ranges, the whole file."""

from pathlib import Path
from typing import IO

import aiohttp
import fsspec
from tenacity import retry, retry_if_exception_type, retry_if_not_exception_type, stop_after_attempt, wait_random_exponential

from train.loop.atomic import atomic_write

FAILURES = (OSError, aiohttp.ClientError)
AHEAD = 4096  # bytes read beyond what is asked for: the headers of a tar and the small texts between them come together
COPY = "whole"  # name of a file that had to be copied

again = retry(
    retry=retry_if_exception_type(FAILURES) & retry_if_not_exception_type((FileNotFoundError, PermissionError)),
    stop=stop_after_attempt(4),
    wait=wait_random_exponential(max=10),
    reraise=True,
)


def read_part(address: str, start: int, size: int, kept: Path) -> bytes:
    """Return bytes of a remote file, from the folder `kept` if they were fetched before."""
    if (kept / COPY).exists():
        return read_at(kept / COPY, start, size)
    part = kept / f"{start}-{size}"
    if not part.exists():
        with atomic_write(part) as file:
            file.write(fetch(address, start, size))
    return part.read_bytes()


def read_at(path: Path, start: int, size: int) -> bytes:
    """Return bytes of a file on this machine."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


@again
def fetch(address: str, start: int, size: int) -> bytes:
    """Ask for one range; an answer that is cut off, or is not the range, is a failure."""
    files, path = fsspec.core.url_to_fs(address)
    data = files.cat_file(path, start=start, end=start + size)
    if len(data) != size:
        raise OSError(f"{len(data)} bytes came instead of the {size} from {start} on; has the file changed?")
    return data


def open_ahead(address: str) -> IO[bytes]:
    """Open a remote file of which little is read here and there; ValueError means that the server knows no ranges."""
    files, path = fsspec.core.url_to_fs(address)
    return files.open(path, block_size=AHEAD, cache_type="readahead")


@again
def copy(address: str, kept: Path) -> Path:
    """Copy the whole file."""
    files, path = fsspec.core.url_to_fs(address)
    with atomic_write(kept / COPY) as file:
        files.get_file(path, file)
    return kept / COPY


def reason(error: BaseException) -> str:
    """Say on one line what went wrong.

    >>> reason(OSError("no route")), reason(ConnectionResetError())
    ('no route', 'ConnectionResetError')
    """
    return (str(error) or type(error).__name__).splitlines()[0]
