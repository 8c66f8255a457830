"""Decode a recording: libsndfile where it is exact and fast, FFmpeg's libraries for everything else.

Memory and time depend on the excerpts and not on what a header promises. Positions count decoded frames from the first one;
timestamps of containers are not used. Frames come in blocks, so an hour takes no more memory than ten seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.records import Reason, Rejected
from transforms.audio.av_frame_collector import UnsupportedByAvError
from transforms.audio.decode_av import decode_av
from transforms.audio.decode_ffmpeg import decode_ffmpeg
from transforms.audio.decode_soundfile import UnsupportedBySoundfileError, decode_soundfile
from transforms.audio.excerpt_cutter import ExcerptCutter
from transforms.audio.sniff import HEAD_BYTES, has_xing_header, id3_length, sniff


def decode(path: Path, cutters: Sequence[ExcerptCutter]) -> list[Rejected | None]:
    """Decode the recording in a local file and pass its frames to every cutter: mono, at the rate of the recording.

    Returns:
        For every cutter why its excerpt is not accepted (`corrupt`, `out_of_range`, `empty` or `too_long`), or None.

    Raises:
        Rejected: `empty`, `not_audio` or `corrupt`, when no excerpt can be decoded.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise Rejected(Reason.EMPTY, "the file has no bytes")
        if tag_bytes := id3_length(head):
            file.seek(tag_bytes)
            head = file.read(HEAD_BYTES)
        container = sniff(head)
        if container is None:
            raise Rejected(Reason.NOT_AUDIO, f"the first bytes{' after the ID3 tag' if tag_bytes else ''} are {head[:24]!r}")
        if is_for_soundfile(container, head):
            try:
                return decode_soundfile(path, cutters)
            except UnsupportedBySoundfileError:
                pass  # FFmpeg may read this codec or header
        file.seek(0)
        try:
            return decode_av(file, "id3" if tag_bytes else container, cutters)
        except UnsupportedByAvError as error:
            rejections = decode_ffmpeg(path, container, cutters) if container else None
            if rejections is None:
                raise error.rejected from error
            return rejections


def is_for_soundfile(container: str, head: bytes) -> bool:
    """Return whether libsndfile is the best decoder for a recording.

    FFmpeg drops the last packet of ALAC in CAF. libsndfile guesses the length of an MP3 without a frame count and stops there;
    FFmpeg decodes it to its end.

    Args:
        container: as `sniff` returns it.
        head: first bytes of the recording, without its ID3 tag.
    """
    if container == "mp3":
        return has_xing_header(head)
    return container in {"wav", "flac"} or (container == "caf" and b"alac" in head[:64])
