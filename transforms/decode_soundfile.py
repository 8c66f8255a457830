"""WAV, FLAC and tagged MP3 by libsndfile: the fastest exact decoder for them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

from pipeline.records import SourceFormat, Waveform
from transforms.excerpt import Excerpt, check_format
from transforms.mix import to_mono
from transforms.sniff import HEAD

UNKNOWN = 1 << 62  # frames: libsndfile's word for "the header does not say", and more than any file holds
BLOCK = 1 << 20  # frames read at once: a header's frame count is a claim, not an allocation


class NotForSoundfileError(Exception):
    """libsndfile does not read these bytes; another decoder may."""


def decode_soundfile(path: Path, excerpt: Excerpt) -> Waveform:
    """Return the excerpt, mono, at the file's own rate.

    Raises:
        NotForSoundfileError: libsndfile refuses the file, before any frame.
        Rejected: as `transforms.decode.decode`.
    """
    descriptor = os.open(path, os.O_RDONLY)  # by descriptor: a name could carry meaning
    try:
        sound = soundfile.SoundFile(descriptor, closefd=False)
    except soundfile.LibsndfileError as error:
        os.close(descriptor)
        raise NotForSoundfileError(str(error)) from error
    try:
        with sound:
            return _decode(sound, path, excerpt)
    finally:
        os.close(descriptor)


def _decode(sound: soundfile.SoundFile, path: Path, excerpt: Excerpt) -> Waveform:
    if not 0 < sound.frames < UNKNOWN:  # nobody came back to write the length into the header
        raise NotForSoundfileError("the header does not say how long it is")
    rate = sound.samplerate
    check_format(rate, sound.channels)
    first, n_wanted = excerpt.span(rate)
    n_before = min(first, sound.frames)
    promised = min(n_wanted, sound.frames - n_before)
    mono, n_bad, fault = _read(sound, n_before, promised)
    if not fault and (len(mono) < promised or (len(mono) < n_wanted and _ends_early(sound, path))):
        fault = "the file ends"
    excerpt.check(len(mono), n_before, rate, fault)
    name = f"{sound.format.lower()}/{sound.subtype.lower()}"
    return Waveform(mono, rate, SourceFormat(name, rate, sound.channels, "soundfile"), n_bad)


def _read(sound: soundfile.SoundFile, first: int, n_frames: int) -> tuple[np.ndarray, int, str]:
    """Return up to `n_frames` mono frames from `first` on, the number of bad values, and the fault that ended reading."""
    dtype = "int16" if sound.subtype == "PCM_16" else "float32"
    blocks: list[np.ndarray] = []
    n_bad = n_read = 0
    fault = ""
    try:
        if first:
            sound.seek(first)
        while n_read < n_frames:
            block, bad = to_mono(sound.read(min(n_frames - n_read, BLOCK), dtype=dtype))
            if not len(block):
                break
            blocks.append(block)
            n_bad, n_read = n_bad + bad, n_read + len(block)
    except soundfile.LibsndfileError as error:
        fault = f"decoder: {error.error_string}"
    mono = blocks[0] if len(blocks) == 1 else np.concatenate(blocks or [np.zeros(0, np.float32)])
    return mono, n_bad, fault


def _ends_early(sound: soundfile.SoundFile, path: Path) -> bool:
    """Return whether a WAV's data chunk promises more than the file holds: libsndfile corrects that in silence."""
    if sound.format not in {"WAV", "WAVEX"}:
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    at = head.find(b"data")
    promised = int.from_bytes(head[at + 4 : at + 8], "little") if at >= 0 else 0
    known = 0 < promised < 0x7FFFFFC0  # programs that stream write 0, 0x7fffffff or ffffffff before they know
    return known and at + 8 + promised > path.stat().st_size + 1
