"""Decode WAV, FLAC and MP3 with a right Xing header by libsndfile, the fastest exact decoder for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from pipeline.records import Rejected, SourceFormat
from transforms.audio.excerpt import check_format
from transforms.audio.excerpt_cutter import BLOCK_FRAMES, ExcerptCutter
from transforms.audio.flac_header import md5_agrees
from transforms.audio.mix import to_mono
from transforms.audio.streaming_sound_file import StreamingSoundFile

UNKNOWN_LENGTH = 1 << 62  # frames; libsndfile returns at least this when the header gives no length
MP3_RUN_IN = 1 << 15  # frames of an MP3 decoded before the first wanted one


class UnsupportedBySoundfileError(Exception):
    """libsndfile does not read these bytes, or not to their end; another decoder may. The cutters must begin anew."""


class WrongFrameCountError(UnsupportedBySoundfileError):
    """The header of a FLAC promises more frames than there are, but the MD5 of the header says that all are there."""


def decode_soundfile(path: Path, cutters: Sequence[ExcerptCutter], fault: str = "") -> list[Rejected | None]:
    """Decode the frames of one cutter after the other, with a seek to each.

    Args:
        path: of a local file.
        cutters: one for every excerpt.
        fault: what is missing of the file, by its header; empty when nothing is.

    Returns:
        As `decode`.

    Raises:
        UnsupportedBySoundfileError: libsndfile does not open the file, or finds a fault in an MP3, where FFmpeg goes on after it.
        WrongFrameCountError: as it says.
        Rejected: `corrupt`, for an impossible rate or number of channels.
    """
    descriptor = os.open(path, os.O_RDONLY)  # libsndfile gets no name: it could choose a format by the extension
    try:
        sound = StreamingSoundFile(descriptor, closefd=False)
    except soundfile.LibsndfileError as error:
        os.close(descriptor)
        raise UnsupportedBySoundfileError(str(error)) from error
    try:
        with sound:
            if not 0 < sound.frames < UNKNOWN_LENGTH:
                raise UnsupportedBySoundfileError("the header does not give the number of frames")
            check_format(sound.samplerate, sound.channels)
            name = f"{sound.format.lower()}/{sound.subtype.lower()}"
            source = SourceFormat(name, sound.samplerate, sound.channels, "soundfile")
            if _is_seekable(sound):
                return [_decode_excerpt(sound, path, source, cutter, fault) for cutter in cutters]
        return [_decode_forward(descriptor, path, source, cutter, fault) for cutter in cutters]
    finally:
        os.close(descriptor)


def _is_seekable(sound: StreamingSoundFile) -> bool:
    """Return whether libsndfile can seek in this codec; not in NMS ADPCM and the DPCM of FastTracker."""
    try:
        sound.tell()
    except soundfile.LibsndfileError:
        return False
    return True


def _decode_forward(descriptor: int, path: Path, source: SourceFormat, cutter: ExcerptCutter, fault: str) -> Rejected | None:
    """Decode an excerpt from the first frame of the recording on."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    with StreamingSoundFile(descriptor, closefd=False) as sound:
        return _decode_excerpt(sound, path, source, cutter, fault)


def _decode_excerpt(sound: StreamingSoundFile, path: Path, source: SourceFormat, cutter: ExcerptCutter, fault: str) -> Rejected | None:
    cutter.begin(source)
    n_before = min(cutter.first_frame, sound.frames)
    n_promised = min(cutter.n_wanted, sound.frames - n_before)
    error, is_short = _read(sound, n_before, n_promised, cutter), cutter.n_frames < n_promised
    if sound.format == "MP3" and (error or is_short):
        raise UnsupportedBySoundfileError(error or "fewer frames than the header says")
    if sound.format == "FLAC" and is_short and not error and md5_agrees(path):
        raise WrongFrameCountError(f"the header says {sound.frames} frames")
    return cutter.rejection(n_before, error or fault or ("the file ends" if is_short else ""))


def _read(sound: StreamingSoundFile, first_frame: int, n_frames: int, cutter: ExcerptCutter) -> str:
    """Pass up to `n_frames` frames from `first_frame` on to the cutter; return libsndfile's error, empty when there was none.

    After a seek in an MP3 up to 5,504 frames were wrong, because packets depend on earlier ones. So decoding starts earlier.
    """
    dtype = "int16" if sound.subtype == "PCM_16" else "float32"
    is_seekable, stop = _is_seekable(sound), first_frame + n_frames
    position = max(0, first_frame - MP3_RUN_IN) if sound.format == "MP3" else first_frame if is_seekable else 0
    buffer = np.empty((min(stop - position, BLOCK_FRAMES), sound.channels), dtype)  # used for all blocks: new memory costs page faults
    try:
        if is_seekable and sound.tell() != position:
            sound.seek(position)
        while position < stop and (not is_seekable or sound.tell() < sound.frames):  # in a broken MP3 the position can be after the end
            frames = sound.read(out=buffer[: stop - position])
            if not len(frames):
                break
            cutter.add(position, *to_mono(frames))
            position += len(frames)
    except soundfile.LibsndfileError as error:
        return f"decoder: {error.error_string}"
    return ""
