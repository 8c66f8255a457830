"""FLAC files that may be handed on as they are: nothing in them but sound."""

from __future__ import annotations

from pathlib import Path

STREAMINFO, PADDING, SEEKTABLE, COMMENTS = 0, 1, 3, 4
MOST = 1 << 16  # bytes of metadata that are worth looking through


def plain_flac_md5(path: Path) -> bytes | None:
    """Return the MD5 that a FLAC's header gives of its frames; None when it gives none, or holds more than sound.

    Pictures, cue sheets, comments and programs' own blocks would travel into shards unseen: such a file is encoded anew.
    """
    with path.open("rb") as file:
        data = file.read(MOST)
    md5: bytes | None = None
    at, last = 4, not data.startswith(b"fLaC")
    while not last:
        if at + 4 > len(data):
            return None
        last, kind, size = bool(data[at] & 0x80), data[at] & 0x7F, int.from_bytes(data[at + 1 : at + 4])
        body, at = data[at + 4 : at + 4 + size], at + 4 + size
        if len(body) < size or kind not in {STREAMINFO, PADDING, SEEKTABLE, COMMENTS} or (kind == COMMENTS and not _is_bare(body)):
            return None
        if kind == PADDING and any(body):
            return None
        if kind == STREAMINFO:
            md5 = body[18:34] if size == 34 and any(body[18:34]) else None
    return md5


def _is_bare(comments: bytes) -> bool:
    """Return whether a block of comments names the encoder and nothing else."""
    vendor = int.from_bytes(comments[:4], "little")
    return len(comments) == 8 + vendor and not any(comments[4 + vendor :])
