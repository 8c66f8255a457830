"""WAV, FLAC and tagged MP3 by libsndfile: the fastest exact decoder for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from pipeline.records import Rejected, SourceFormat
from transforms.audio.excerpt import Cut, check_format
from transforms.audio.mix import to_mono
from transforms.audio.sniff import HEAD
from transforms.audio.streaming_sound_file import StreamingSoundFile

UNKNOWN = 1 << 62  # frames: libsndfile's word for "the header does not say", and more than any file holds
RUN_IN = 1 << 15  # frames of an MP3 decoded before the first one that is wanted
BLOCK = 1 << 16  # frames read at once: they stay in the processor's cache, and a header's frame count is no allocation


class NotForSoundfileError(Exception):
    """libsndfile does not read these bytes; another decoder may."""


def decode_soundfile(path: Path, cuts: Sequence[Cut]) -> list[Rejected | None]:
    """Feed every cut its frames, one cut after the other, seeking to each.

    Raises:
        NotForSoundfileError: libsndfile refuses the file, before any frame.
        Rejected: as `transforms.decode.decode`.
    """
    descriptor = os.open(path, os.O_RDONLY)  # by descriptor: a name could carry meaning
    try:
        sound = StreamingSoundFile(descriptor, closefd=False)
    except soundfile.LibsndfileError as error:
        os.close(descriptor)
        raise NotForSoundfileError(str(error)) from error
    try:
        with sound:
            if not 0 < sound.frames < UNKNOWN:  # nobody came back to write the length into the header
                raise NotForSoundfileError("the header does not say how long it is")
            check_format(sound.samplerate, sound.channels)
            name = f"{sound.format.lower()}/{sound.subtype.lower()}"
            source = SourceFormat(name, sound.samplerate, sound.channels, "soundfile")
            return [_feed(sound, path, source, cut) for cut in cuts]
    finally:
        os.close(descriptor)


def _feed(sound: StreamingSoundFile, path: Path, source: SourceFormat, cut: Cut) -> Rejected | None:
    cut.begin(source)
    n_before = min(cut.first, sound.frames)
    promised = min(cut.n_wanted, sound.frames - n_before)
    fault = _read(sound, n_before, promised, cut)
    if not fault and (cut.n_frames < promised or (not cut.is_full and _ends_early(sound, path))):
        fault = "the file ends"
    return cut.verdict(n_before, fault)


def _read(sound: StreamingSoundFile, first: int, n_frames: int, cut: Cut) -> str:
    """Feed up to `n_frames` frames from `first` on, and return the fault that ended reading, empty when none did.

    Behind a jump an MP3 lacks what earlier packets left for later ones: up to 5,504 frames came out wrong. It starts earlier.
    """
    dtype = "int16" if sound.subtype == "PCM_16" else "float32"
    at, stop = max(0, first - RUN_IN) if sound.format == "MP3" else first, first + n_frames
    block = np.empty((min(stop - at, BLOCK), sound.channels), dtype)  # one for all blocks: new memory costs page faults
    try:
        if sound.tell() != at:
            sound.seek(at)
        while at < stop and sound.tell() < sound.frames:  # broken MP3 may stand behind its own end
            frames = sound.read(out=block[: stop - at])
            if not len(frames):
                break
            cut.offer(at, *to_mono(frames))
            at += len(frames)
    except soundfile.LibsndfileError as error:
        return f"decoder: {error.error_string}"
    return ""


def _ends_early(sound: StreamingSoundFile, path: Path) -> bool:
    """Return whether a WAV's data chunk promises more than the file holds: libsndfile corrects that in silence."""
    if sound.format not in {"WAV", "WAVEX"}:
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    at = head.find(b"data")
    promised = int.from_bytes(head[at + 4 : at + 8], "little") if at >= 0 else 0
    known = 0 < promised < 0x7FFFFFC0  # programs that stream write 0, 0x7fffffff or ffffffff before they know
    return known and at + 8 + promised > path.stat().st_size + 1
