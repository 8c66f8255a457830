"""Write compressed tars and 7z archives once as uncompressed tars: in these every member can be read by itself.

No member is written under its own name, so that no name, link or device of an archive has an effect on this disk; `tar_members` decides
what is read.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import lzma
import tarfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from pipeline.records import Reason, Rejected
from transforms.fetching.roots.archives import DAMAGES

MAGICS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
}
"""First bytes of the archives that are unpacked."""
MAX_RATIO = 100
"""How many times its own size an archive may unpack to. Audio packs to a tenth at best; silence, and bombs, to a thousandth."""
ALWAYS_ALLOWED = 1 << 30
"""Bytes that every archive may unpack to, so that a small one of silent recordings is read too."""
MAX_MEMORY = 1 << 30
"""Bytes of memory that unpacking may take. The strongest setting of `xz` takes 64 MiB, that of `7z` 256 MiB."""
BLOCK = 1 << 20  # bytes
DISK_FAULTS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES})
"""Errors of the disk that is written to: they end the build, and are no fault of the archive."""


def kind_of(path: Path) -> str | None:
    """Return how an archive is compressed; `None` where its members can be read as they are."""
    with path.open("rb") as file:
        head = file.read(6)
    return next((kind for magic, kind in MAGICS.items() if head.startswith(magic)), None)


def unpack(path: Path, kind: str, target: Path) -> None:
    """Write the members of an archive to `target`, an uncompressed tar; there is no file when it fails.

    Raises:
        Rejected: `unavailable` for a damaged archive, or one that is no tar; `forbidden` for an encrypted one; `limit_exceeded` for one
            that unpacks to more than it may, or takes more memory.
        OSError: the disk is full.
    """
    from transforms.fetching.roots.seven_zip import SEVEN_ZIP_FAULTS, seven_zip_to_tar  # py7zr is slow to import

    max_bytes = max(ALWAYS_ALLOWED, MAX_RATIO * path.stat().st_size)
    part = target.with_name(f"{target.name}.part")
    try:
        if kind == "7z":
            seven_zip_to_tar(path, part, max_bytes, MAX_MEMORY)
        else:
            _decompress(path, kind, part, max_bytes)
        part.replace(target)
    except Rejected as rejected:
        raise Rejected(rejected.reason, f"audio_root {path.name!r}: {rejected.detail}") from rejected
    except (*DAMAGES, *SEVEN_ZIP_FAULTS) as error:
        if isinstance(error, OSError) and error.errno in DISK_FAULTS:
            raise
        raise Rejected(Reason.UNAVAILABLE, f"audio_root {path.name!r} cannot be unpacked ({kind}): {str(error)[:100]}") from error
    finally:
        part.unlink(missing_ok=True)


def _decompress(path: Path, kind: str, target: Path, max_bytes: int) -> None:
    n_bytes = 0
    with target.open("wb") as file, contextlib.closing(_blocks(path, kind)) as blocks:
        for block in blocks:
            if not n_bytes:
                _check_tar(block, kind)
            n_bytes += len(block)
            if n_bytes > max_bytes:
                raise Rejected(Reason.LIMIT_EXCEEDED, f"unpacks to more than {max_bytes} bytes, {MAX_RATIO} times its size")
            file.write(block)
    if not n_bytes:
        raise EOFError("it is empty")


def _check_tar(block: bytes, kind: str) -> None:
    """Check before all is unpacked that what is compressed is a tar."""
    head = block[: tarfile.BLOCKSIZE]
    if head == bytes(tarfile.BLOCKSIZE):  # an empty tar begins with its end
        return
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        raise Rejected(Reason.UNAVAILABLE, f"compressed ({kind}), and what it holds is no tar") from None


def _blocks(path: Path, kind: str) -> Generator[bytes, None, None]:
    """Yield the bytes of a compressed file, in blocks of at most `BLOCK`, the first of at least 512 where there are as many."""
    if kind == "zstd":
        import pyarrow as pa  # slow to import

        with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as stream:
            while block := stream.read(BLOCK):
                yield block
    elif kind == "xz":
        with path.open("rb") as packed:
            yield from _xz_blocks(packed)
    else:
        opened: BinaryIO = gzip.open(path) if kind == "gzip" else bz2.open(path)  # type: ignore[assignment]
        with opened:
            while block := opened.read(BLOCK):
                yield block


def _xz_blocks(packed: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of the streams of an xz file; `lzma.open` would take as much memory as the file asks for."""
    rest = packed.read(BLOCK)
    while rest.strip(b"\0"):  # streams may be padded with zeros
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)
        rest = rest.lstrip(b"\0")
        while not decoder.eof:
            data = (rest or packed.read(BLOCK)) if decoder.needs_input else b""
            rest = b""
            if decoder.needs_input and not data:
                raise EOFError("the compressed bytes end too early")
            try:
                block = decoder.decompress(data, BLOCK)
            except lzma.LZMAError as error:
                if "usage limit" in str(error):
                    raise Rejected(Reason.LIMIT_EXCEEDED, f"needs more than {MAX_MEMORY} bytes of memory to unpack") from error
                raise
            if block:
                yield block
        rest = decoder.unused_data or packed.read(BLOCK)
