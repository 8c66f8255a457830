"""Find FLAC files that can be copied as they are, because they hold audio and nothing else."""

from __future__ import annotations

from pathlib import Path

STREAMINFO, PADDING, SEEKTABLE, COMMENTS = 0, 1, 3, 4  # kinds of metadata blocks (RFC 9639, section 8)
STREAMINFO_BYTES = 34
MD5 = slice(18, 34)  # of the unencoded frames, in STREAMINFO; zeros when the encoder did not compute it
MAX_METADATA_BYTES = 1 << 16  # a file with more metadata is not examined


def plain_flac_md5(path: Path) -> bytes | None:
    """Return the MD5 of the frames that the header of a FLAC gives; None when it gives none, or the file holds more than audio.

    A copied file takes its pictures, cue sheets, comments and application blocks into a shard. So files with such blocks
    must be encoded again.
    """
    with path.open("rb") as file:
        data = file.read(MAX_METADATA_BYTES)
    md5: bytes | None = None
    at, is_last = 4, not data.startswith(b"fLaC")
    while not is_last:
        if at + 4 > len(data):
            return None
        is_last, kind, size = bool(data[at] & 0x80), data[at] & 0x7F, int.from_bytes(data[at + 1 : at + 4])
        body, at = data[at + 4 : at + 4 + size], at + 4 + size
        if len(body) < size or not _is_plain(kind, body):
            return None
        if kind == STREAMINFO:
            md5 = body[MD5] if size == STREAMINFO_BYTES and any(body[MD5]) else None
    return md5


def _is_plain(kind: int, body: bytes) -> bool:
    """Return whether a metadata block tells nothing but how to decode the audio and the encoder's name."""
    if kind == PADDING:
        return not any(body)
    if kind == COMMENTS:
        n_vendor = int.from_bytes(body[:4], "little")  # bytes of the encoder's name; the number of comments follows it
        return len(body) == 8 + n_vendor and not any(body[4 + n_vendor :])
    return kind in {STREAMINFO, SEEKTABLE}
