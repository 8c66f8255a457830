"""Decode a recording: libsndfile where it is exact and fast, FFmpeg's libraries for everything else.

Memory and time depend on the excerpts and not on what a header promises. Positions count decoded frames from the first one; in MP4,
Matroska and WebM they are the container's time (`timeline.py`). Frames come in blocks, so an hour takes no more memory than ten seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from pipeline.records import Reason, Rejected
from transforms.audio.av_frame_collector import UnsupportedByAvError
from transforms.audio.container_length import declared_length
from transforms.audio.declared_length import DeclaredAudio
from transforms.audio.decode_av import decode_av
from transforms.audio.decode_ffmpeg import decode_ffmpeg
from transforms.audio.decode_soundfile import UnsupportedBySoundfileError, WrongFrameCountError, decode_soundfile
from transforms.audio.excerpt_cutter import ExcerptCutter
from transforms.audio.file_slice import FileSlice
from transforms.audio.flac_header import is_flac_header_right
from transforms.audio.mp3_frames import walk_mp3_frames
from transforms.audio.sniff import HEAD_BYTES, LIBSNDFILE, id3_length, kind_without_reader, other_kind, sniff

MAX_TAGS = 8  # before a recording
SOUNDFILE_CODECS = frozenset({0x01, 0x02, 0x03, 0x06, 0x07, 0x11, 0x38})
"""Format tags of WAV in which libsndfile seeks and knows the length: PCM, float, A-law, mu-law, ADPCM. Not GSM 6.10, MP3."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which decoder is the best for a recording, and what is missing of its file.

    `missing` is empty where the header and the bytes agree, or the header does not say where the audio ends; None where only the
    decoder can say it. `container` is empty where the bytes must be probed, and `repair` holds offsets and the bytes to read there, `end`
    is where the audio ends if other bytes follow that FFmpeg would decode.
    """

    container: str
    is_for_soundfile: bool
    missing: str | None = None
    repair: tuple[tuple[int, bytes], ...] = ()
    end: int | None = None


def decode(path: Path, cutters: Sequence[ExcerptCutter]) -> list[Rejected | None]:
    """Decode the recording in a local file and pass its frames to every cutter: mono, at the rate of the recording.

    Returns:
        For every cutter why its excerpt is not accepted (`corrupt`, `out_of_range`, `empty` or `too_long`), or None.

    Raises:
        Rejected: `empty`, `not_audio`, `unsupported` or `corrupt`, when no excerpt can be decoded.
        MemoryError: a decoder needs more memory than this process may use.
    """
    with path.open("rb") as file:
        head, tag_bytes = _read_head(file)
        if kind := kind_without_reader(head):
            raise Rejected(Reason.UNSUPPORTED, f"there is no decoder for {kind}")
        container = sniff(head)
        if container is None:
            raise Rejected(Reason.NOT_AUDIO, f"{other_kind(head)}{' after an ID3 tag' if tag_bytes else ''}, no recording")
        route = choose_route(file, container, head, tag_bytes)
        missing = route.missing
        if route.is_for_soundfile:
            try:
                return decode_soundfile(path, cutters, missing or "")
            except WrongFrameCountError:
                missing = ""
            except UnsupportedBySoundfileError:
                pass  # FFmpeg may read this codec or header, or go on after the fault
        try:
            return decode_av(_audio_of(file, tag_bytes, route), route.container, cutters, missing)
        except UnsupportedByAvError as error:
            rejections = decode_ffmpeg(path, route.container, cutters, missing or "") if route.container else None
            if rejections is not None:
                return rejections
            if route.is_for_soundfile:  # there is a reader for its codec, so its header is damaged
                raise Rejected(Reason.CORRUPT, error.rejected.detail) from error
            raise error.rejected from error


def _read_head(file: IO[bytes]) -> tuple[bytes, int]:
    """Return the first bytes of a recording after its ID3 tags, and their offset."""
    head, at = file.read(HEAD_BYTES), 0
    if not head:
        raise Rejected(Reason.EMPTY, "the file has no bytes")
    for _ in range(MAX_TAGS):
        if not (tag_bytes := id3_length(head)):
            break
        at += tag_bytes
        file.seek(at)
        head = file.read(HEAD_BYTES)
    return head, at


def _audio_of(file: IO[bytes], at: int, route: Route) -> IO[bytes]:
    """Return a file from `at` on, with its header repaired.

    FFmpeg looks for tags before MP3 alone, and believes sizes of 0. In joined CAF it seeks to where Python's files cannot.
    """
    if not at and not route.repair and route.end is None and route.container != "caf":
        file.seek(0)
        return file
    return cast("IO[bytes]", FileSlice(file, at, route.end or file.seek(0, os.SEEK_END), route.repair))


def choose_route(file: IO[bytes], container: str, head: bytes, at: int = 0) -> Route:
    """Choose the decoder of a recording, and compare its header with its bytes.

    FFmpeg drops the last packet of ALAC in CAF, and does not know AU in little-endian order. libsndfile stops where the
    header of an MP3 or FLAC says, and guesses the length of an MP3 without a header; FFmpeg decodes to the end.

    Args:
        file: open for reading; its position changes.
        container: as `sniff` returns it.
        head: first bytes of the recording, without its ID3 tag.
        at: offset of these bytes.
    """
    if container == "mp3":
        frames = walk_mp3_frames(file, at)
        return Route("", False) if frames is None else Route("mp3", frames.is_exact, frames.fault)
    if container == "flac":
        return Route("flac", True) if is_flac_header_right(file, at) else Route("flac", False, "")
    declared = declared_length(file, container, at)
    if declared is None:
        return Route(container, container in {"wav", LIBSNDFILE})
    missing = "the file ends" if declared.is_cut(file.seek(0, os.SEEK_END)) else ""
    is_alac, is_little_endian_au = container == "caf" and b"alac" in head[:64], head.startswith(b"dns.")
    is_for_soundfile = is_alac or is_little_endian_au or (container == "wav" and declared.codec in SOUNDFILE_CODECS)
    repair = () if container in {"wav", "caf"} else declared.repair  # decoders know their placeholders
    return Route(container, is_for_soundfile, missing, repair, _end_of_au(file, declared) if container == "au" else None)


def _end_of_au(file: IO[bytes], declared: DeclaredAudio) -> int | None:
    """Return where the audio of an AU ends; None where that is the end of the file, or where another AU is joined to it."""
    if declared.end is None:
        return None
    file.seek(declared.end)
    following = file.read(4)
    return declared.end if following and following != b".snd" else None
