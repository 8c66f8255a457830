"""Decode a recording: libsndfile where it is exact and fast, FFmpeg's libraries for everything else.

Memory and time depend on the excerpts and not on what a header promises. Positions count decoded frames from the first one; in MP4,
Matroska and WebM they are the container's time (`timeline.py`). Frames come in blocks, so an hour takes no more memory than ten seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipeline.records import Reason, Rejected
from transforms.audio.av_frame_collector import UnsupportedByAvError
from transforms.audio.declared_length import declared_audio
from transforms.audio.decode_av import decode_av
from transforms.audio.decode_ffmpeg import decode_ffmpeg
from transforms.audio.decode_soundfile import UnsupportedBySoundfileError, WrongFrameCountError, decode_soundfile
from transforms.audio.excerpt_cutter import ExcerptCutter
from transforms.audio.flac_header import is_flac_header_right
from transforms.audio.mp3_frames import walk_mp3_frames
from transforms.audio.sniff import HEAD_BYTES, id3_length, sniff

SOUNDFILE_CODECS = frozenset({0x01, 0x02, 0x03, 0x06, 0x07, 0x11})
"""Format tags of WAV in which libsndfile seeks and knows the length: PCM, float, A-law, mu-law, two kinds of ADPCM. Not GSM 6.10, MP3."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which decoder is the best for a recording, and what is missing of its file.

    `missing` is empty where the header and the bytes agree, or the header does not say where the audio ends; None where only the
    decoder can say it.
    """

    is_for_soundfile: bool
    missing: str | None = None


def decode(path: Path, cutters: Sequence[ExcerptCutter]) -> list[Rejected | None]:
    """Decode the recording in a local file and pass its frames to every cutter: mono, at the rate of the recording.

    Returns:
        For every cutter why its excerpt is not accepted (`corrupt`, `out_of_range`, `empty` or `too_long`), or None.

    Raises:
        Rejected: `empty`, `not_audio`, `unsupported` or `corrupt`, when no excerpt can be decoded.
        MemoryError: a decoder needs more memory than this process may use.
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
        route = choose_route(file, container, head, tag_bytes)
        missing = route.missing
        if route.is_for_soundfile:
            try:
                return decode_soundfile(path, cutters, missing or "")
            except WrongFrameCountError:
                missing = ""
            except UnsupportedBySoundfileError:
                pass  # FFmpeg may read this codec or header, or go on after the fault
        file.seek(0)
        try:
            return decode_av(file, "id3" if tag_bytes else container, cutters, missing)
        except UnsupportedByAvError as error:
            rejections = decode_ffmpeg(path, container, cutters, missing or "") if container else None
            if rejections is None:
                raise error.rejected from error
            return rejections


def choose_route(file: IO[bytes], container: str, head: bytes, at: int = 0) -> Route:
    """Choose the decoder of a recording, and compare its header with its bytes.

    FFmpeg drops the last packet of ALAC in CAF. libsndfile stops where the header of an MP3 or FLAC says, and guesses the length
    of an MP3 without a header; FFmpeg decodes to the end.

    Args:
        file: open for reading; its position changes.
        container: as `sniff` returns it.
        head: first bytes of the recording, without its ID3 tag.
        at: offset of these bytes.
    """
    if container == "mp3":
        frames = walk_mp3_frames(file, at)
        return Route(frames is not None and frames.is_exact, None if frames is None else frames.fault)
    if container == "flac":
        return Route(True) if is_flac_header_right(file, at) else Route(False, "")
    declared = declared_audio(file, at)
    if declared is None:
        return Route(container == "wav")
    missing = "the file ends" if declared.is_cut(file.seek(0, os.SEEK_END)) else ""
    is_alac = container == "caf" and b"alac" in head[:64]
    return Route(is_alac or (container == "wav" and declared.codec in SOUNDFILE_CODECS), missing)
