"""Byte ranges of remote files, kept on disk. If a server has no ranges, the complete file is copied."""

from pathlib import Path
from typing import IO

import aiohttp
import fsspec
from tenacity import retry, retry_if_exception_type, retry_if_not_exception_type, stop_after_attempt, wait_random_exponential

from train.data.cache_room import take_room
from train.errors import BadInput
from train.loop.atomic import atomic_write

FAILURES = (OSError, aiohttp.ClientError)
READ_AHEAD = 4096  # bytes read beyond the wanted ones: a tar header and the small JSON before it come with one request
MOST_BYTES = 200 * 10**9  # that the kept ranges of all remote files may take on disk
FULL_COPY = "full"  # file name of a complete copy in the cache

retry_transfer = retry(
    retry=retry_if_exception_type(FAILURES) & retry_if_not_exception_type((FileNotFoundError, PermissionError)),
    stop=stop_after_attempt(4),
    wait=wait_random_exponential(max=10),
    reraise=True,
)


def read_range(address: str, start: int, size: int, cache: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return `size` bytes of a file, local or remote, from byte `start` on.

    cache: folder for the ranges of a remote file, below the folder of all such files. most_bytes: that all of them may take on disk.
    """
    if "://" in address:
        return cached_range(address, start, size, cache, most_bytes)
    return local_range(Path(address), start, size)


def cached_range(address: str, start: int, size: int, cache: Path, most_bytes: int) -> bytes:
    """Return a range of a remote file. It is fetched once and kept, while there is room in the cache."""
    if (cache / FULL_COPY).exists():
        return local_range(cache / FULL_COPY, start, size)
    part = cache / f"{start}-{size}"
    try:
        return part.read_bytes()
    except FileNotFoundError:
        data = fetch_range(address, start, size)
    if take_room(cache.parent, size, most_bytes):
        with atomic_write(part) as file:
            file.write(data)
    return data


def local_range(path: Path, start: int, size: int) -> bytes:
    """Return `size` bytes of a local file from byte `start` on."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


@retry_transfer
def fetch_range(address: str, start: int, size: int) -> bytes:
    """Fetch one range of a remote file. Raise OSError if fewer or more bytes come than were asked for."""
    files, path = fsspec.core.url_to_fs(address)
    data = files.cat_file(path, start=start, end=start + size)
    if len(data) != size:
        raise OSError(f"{len(data)} bytes came instead of the {size} from {start} on; has the file changed?")
    return data


@retry_transfer
def fetch_file(address: str) -> bytes:
    """Fetch a small remote file."""
    files, path = fsspec.core.url_to_fs(address)
    data: bytes = files.cat_file(path)
    return data


def open_remote(address: str) -> IO[bytes]:
    """Open a remote file for a few small reads. Raise ValueError if the server has no ranges."""
    files, path = fsspec.core.url_to_fs(address)
    return files.open(path, block_size=READ_AHEAD, cache_type="readahead")


@retry_transfer
def copy_file(address: str, cache: Path, most_bytes: int = MOST_BYTES) -> Path:
    """Copy a complete remote file into the folder `cache` and return its path. Raise BadInput if the cache has no room for it."""
    files, path = fsspec.core.url_to_fs(address)
    with atomic_write(cache / FULL_COPY) as file:
        files.get_file(path, file)
        size = file.tell()
        if not take_room(cache.parent, size, most_bytes):
            raise BadInput(f"{address} comes from a server without ranges, and the cache has no room for its {size} bytes; see --cache-gb")
    return cache / FULL_COPY


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its type.

    >>> first_line(OSError("no route")), first_line(ConnectionResetError())
    ('no route', 'ConnectionResetError')
    """
    return (str(error) or type(error).__name__).splitlines()[0]
